"""On-policy distillation: the divergence is the sum by hand, each source has its teacher, and a stop changes no bit."""

import pytest
import torch

from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training.distill import Distillation, DistillConfig, Lesson, reverse_kl
from grpo_trainer.training.logprobs import Forward, Rows, logprobs

END = 2
PAIRS = [([3, 4], [5, 6, END]), ([7], [8]), ([9, 3, 4], [5, END])]
PROMPTS = {"one": [[3], [3, 4]], "two": [[9], [9, 8]]}


def distributions(model, pair):
    """The log-probabilities of each token's place, computed from the logits of the whole text."""
    prompt, ids = pair
    logits = model(torch.tensor([[*prompt, *ids]])).logits[0]
    return logits[len(prompt) - 1 : -1].double().log_softmax(-1)


def by_hand(student, teacher, pairs=PAIRS):
    both = [(distributions(student, pair), distributions(teacher, pair)) for pair in pairs]
    return torch.cat([(ours.exp() * (ours - theirs)).sum(-1) for ours, theirs in both])


@pytest.fixture
def student(make_policy):
    return make_policy(0)


@pytest.fixture
def teachers(make_policy):
    return {"one": make_policy(1), "two": make_policy(2)}


def distilled(student, teachers, tmp_path, name="run", **settings):
    """The student after the steps, and what each step wrote down."""
    chosen = {"steps": 4, "completions": 8, "max_tokens": 5, "learning_rate": 3e-3, "warmup": 1, "checkpoint_every": 2}
    lines = {}
    lessons = {source: Lesson(PROMPTS[source], teacher) for source, teacher in teachers.items()}
    config = DistillConfig(**(chosen | settings))
    engine = TransformersEngine(student, [END])
    Distillation(student, engine, lessons, config, seed=0).run(tmp_path / name, lines.__setitem__)
    return student, lines


@pytest.mark.parametrize("recompute", [False, True])
def test_the_divergence_and_its_gradient_are_those_by_hand(student, teachers, recompute):
    rows = Rows(PAIRS, torch.device("cpu"))
    kl = reverse_kl(student, teachers["one"], rows, Forward(recompute=recompute))
    expected = by_hand(student, teachers["one"])
    assert torch.allclose(kl.double(), expected, rtol=0, atol=1e-6)
    kl.sum().backward()
    assert all(weight.grad is None for weight in teachers["one"].parameters())
    gradient = {name: weight.grad.clone() for name, weight in student.named_parameters()}
    student.zero_grad()
    expected.sum().backward()
    for name, weight in student.named_parameters():
        assert torch.allclose(gradient[name], weight.grad, rtol=1e-4, atol=1e-6), name


def test_a_divergence_in_chunks_is_the_whole(student, teachers, monkeypatch):
    rows = Rows(PAIRS, torch.device("cpu"))
    whole = reverse_kl(student, teachers["one"], rows, Forward())
    monkeypatch.setattr("grpo_trainer.training.logprobs.chunk_size", lambda tokens, vocabulary: 2)
    assert torch.allclose(reverse_kl(student, teachers["one"], rows, Forward()), whole, atol=1e-6)


def test_the_gradient_is_the_expected_one_of_the_sampled_advantage(student, teachers):
    """Of a token, the advantage -(log π - log π_teacher) in a policy gradient, over every token that could be drawn."""
    vocabulary, prompt = student.config.vocab_size, [3, 4]
    pairs = [(prompt, [token]) for token in range(vocabulary)]
    rows = Rows(pairs, torch.device("cpu"))
    logp, _ = logprobs(student, rows, 1.0)
    with torch.no_grad():
        advantage = logprobs(teachers["one"], rows, 1.0)[0] - logp
    (-(logp.detach().exp() * advantage * logp)[rows.mask].sum()).backward()
    expected = student.lm_head.weight.grad.clone()
    student.zero_grad()
    reverse_kl(student, teachers["one"], Rows(pairs[:1], torch.device("cpu")), Forward()).sum().backward()
    assert torch.allclose(student.lm_head.weight.grad, expected, rtol=1e-4, atol=1e-6)


def test_a_student_that_equals_its_teacher_has_no_loss_and_stays(make_policy, tmp_path):
    student, lines = distilled(make_policy(3), {"one": make_policy(3)}, tmp_path)
    assert [(line["loss"], line["grad_norm"]) for line in lines.values()] == [(0, 0)] * 4
    assert all(torch.equal(weight, student.state_dict()[name]) for name, weight in make_policy(3).state_dict().items())


@pytest.mark.slow
def test_each_source_has_its_own_teacher(student, teachers, tmp_path):
    """Two teachers that disagree: the student becomes each where its prompts are."""
    student, lines = distilled(student, teachers, tmp_path, steps=150, completions=16)
    first, last = lines[1], lines[150]
    for source, teacher in teachers.items():
        other = teachers["two" if source == "one" else "one"]
        assert last[f"reverse_kl/{source}"] < first[f"reverse_kl/{source}"] / 4
        with torch.no_grad():
            pairs = [(prompt, [END]) for prompt in PROMPTS[source]]
            assert by_hand(student, teacher, pairs).mean() < by_hand(student, other, pairs).mean() / 4


def test_the_loss_is_the_mean_over_all_tokens_whatever_the_micro_batches(make_policy, teachers, tmp_path):
    losses = [
        distilled(make_policy(0), teachers, tmp_path, str(budget), steps=1, micro_batch_tokens=budget)[1][1]
        for budget in (1, 1000)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    parts = [losses[0][f"reverse_kl/{source}"] for source in teachers]
    assert min(parts) <= losses[0]["loss"] <= max(parts)


def test_a_stop_and_a_resume_change_no_bit(make_policy, teachers, tmp_path):
    whole, lines = distilled(make_policy(0), teachers, tmp_path, "whole", steps=5)
    # As a run that was killed after its fourth step leaves it; the other student's own weights must not matter.
    again, rest = distilled(make_policy(7), teachers, tmp_path, "whole", steps=5)
    assert list(rest) == [5]
    assert rest[5] == lines[5]
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in whole.state_dict().items())


def test_a_teacher_with_another_vocabulary_is_refused(student, make_policy, tmp_path):
    with pytest.raises(ValueError, match=r"teachers\.one: has 20 tokens, the student 11"):
        distilled(student, {"one": make_policy(1, vocab_size=20)}, tmp_path)
