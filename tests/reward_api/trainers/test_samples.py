"""What trainers send, in the gateway's types. What it means is in tests/trainer_client/dialect."""

import pytest

from reward_api.trainers.responses import CreateParams, Response, completion_of, prompt_of
from reward_api.trainers.samples import PeerMessage, sample_key, sample_of, score_request
from reward_verifiers.contract import Message, completion_text, prompt_text


def sample(**more):
    return sample_of(**{"prompt": "x", "completion": "2", "label": "a", **more})


def test_end_tokens_and_nul_are_taken_out_of_completions():
    assert sample(completion="2\0<|im_end|>\n<|endoftext|>").completion == "2\ufffd"
    said = [Message(role="assistant", content=[{"type": "text", "text": "a\0b</s>"}], reasoning_content="t\0")]
    request = score_request(sample(completion=said))
    assert completion_text(request.completions[0]) == "<think>t\ufffd</think>a\ufffdb"


def test_reasoning_has_several_names():
    for name in ("reasoning_content", "reasoning", "thinking"):
        said = [PeerMessage.model_validate({"role": "assistant", "content": "2", name: "t"})]
        assert completion_text(score_request(sample(completion=said)).completions[0]) == "<think>t</think>2", name


def test_a_prefilled_turn_is_the_prefix():
    prompt = [Message(role="user", content="x"), Message(role="assistant", content="<think>\n")]
    request = score_request(sample(prompt=prompt, prefix="<other>"))
    assert (prompt_text(request.prompt), request.prefix) == ("x", "<think>\n")


def test_a_label_may_name_its_group():
    one = sample(label='{"answer": "2", "group_id": 7, "group_size": 4}', group_size=8)
    assert (one.group_id, one.group_size, one.reference) == ("7", 4, {"answer": "2"})
    assert sample(label={"group_id": 7}, group_id="theirs").group_id == "theirs"
    for size in ("many", 0, 5000, True, [1]):
        with pytest.raises(ValueError, match="group_size: an integer from 1"):
            sample(label={"group_size": size})


def test_equal_samples_are_those_that_no_verifier_tells_apart():
    assert sample_key(sample()) == sample_key(sample())
    others = [
        sample(completion="3"),
        sample(prompt="y"),
        sample(label="b"),
        sample(prefix="<think>"),
        sample(truncated=True),
        sample(tokens=3),
    ]
    assert len({sample_key(one) for one in (sample(), *others)}) == 7


def test_responses_objects_are_read():
    response = Response.model_validate(
        {
            "output": [
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "let me "}]},
                {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "look"}], "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "I look it up."}]},
                {"type": "function_call", "name": "search", "arguments": "{}", "call_id": "1"},
                {"type": "function_call_output", "call_id": "1", "output": "42"},
                {"type": "message", "content": [{"type": "refusal", "refusal": "No."}, {"type": "output_image"}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "cut off"}]},
            ],
            "incomplete_details": {"reason": "max_output_tokens"},
            "usage": {"output_tokens": 9},
        }
    )
    assert completion_text(completion_of(response)) == (
        "<think>let me look</think>I look it up.\nNo.\n<think>cut off</think>"
    )
    assert (response.truncated, response.tokens) == (True, 9)
    assert completion_text(completion_of(Response(output=[]))) == ""
    asked_for = CreateParams.model_validate(
        {"instructions": "Be kind.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]}
    )
    assert [(one.role, one.text()) for one in prompt_of(asked_for)] == [("system", "Be kind."), ("user", "Hi")]
    assert prompt_of(CreateParams(input="Hi")) == "Hi"
