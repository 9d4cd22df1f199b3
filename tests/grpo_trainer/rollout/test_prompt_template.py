import pytest

from grpo_trainer.rollout.prompt_template import PromptTemplate

CHAT = "{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}[assistant]"


class Tokenizer:
    """As much of a tokenizer as a template needs."""

    def __init__(self, chat_template=None):
        self.chat_template = chat_template

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt):
        assert (tokenize, add_generation_prompt) == (False, True)
        return f"[user]{messages[0]['content']}[assistant]"


@pytest.mark.parametrize(
    ("template", "text", "prefix"),
    [
        (None, "1+1?", ""),
        ("chat", "[user]1+1?[assistant]", ""),
        ("User: {prompt}\nAssistant: <think>", "User: 1+1?\nAssistant: <think>", "<think>"),
        ("Think in <think> tags. {prompt} <think>\n", "Think in <think> tags. 1+1? <think>\n", "<think>\n"),
        ("Think in <think> </think> tags. {prompt}", "Think in <think> </think> tags. 1+1?", ""),
    ],
)
def test_what_the_policy_reads_and_what_is_already_written(template, text, prefix):
    rendered = PromptTemplate(template, Tokenizer(CHAT))
    assert rendered.render("1+1?") == text
    assert rendered.prefix("1+1?") == prefix


def test_chat_needs_a_chat_template():
    with pytest.raises(ValueError, match="no chat template"):
        PromptTemplate("chat", Tokenizer())


def test_bare_prompts_to_a_chat_model_are_a_warning():
    with pytest.warns(UserWarning, match="template: chat"):
        PromptTemplate(None, Tokenizer(CHAT)).warn_when_unused()
    PromptTemplate("chat", Tokenizer(CHAT)).warn_when_unused()
    PromptTemplate(None, Tokenizer()).warn_when_unused()
