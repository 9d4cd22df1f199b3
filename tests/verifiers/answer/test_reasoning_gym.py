"""kind: reasoning_gym, against the real package: every task, and nothing of a completion is executed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import reasoning_gym
from reasoning_gym.factory import DATASETS

from reward_verifiers.answer import AnswerOptions, AnswerReference, AnswerVerifier
from reward_verifiers.answer.kinds import gym
from reward_verifiers.contract import Verdict
from reward_verifiers.verifier import BadReference, Sample

# Some tasks leave the files of their data open.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
OPTIONS = AnswerOptions(kind="reasoning_gym")
# `composite` is made of other tasks. The rest give no full mark to their own `answer`: it is empty, or one of many.
NO_OWN_ANSWER = {"composite", "boxnet", "graph_color", "propositional_logic", "rubiks_cube", "rush_hour"}


def item(task: str) -> dict[str, Any]:
    """As it comes over the wire."""
    entry = reasoning_gym.create_dataset(task, size=1, seed=1)[0]
    return {"task": task, "entry": json.loads(json.dumps(entry))}


def judge(reference: dict[str, Any], answer: str) -> Verdict:
    return AnswerVerifier().verify(
        Sample(f"<think>hm</think><answer>{answer}</answer>", OPTIONS, AnswerReference.model_validate(reference))
    )


@pytest.mark.parametrize("task", sorted(DATASETS.keys() - NO_OWN_ANSWER))
def test_every_task_pays_its_own_answer_and_not_nonsense(task: str) -> None:
    reference = item(task)
    if task == "game_of_life_halting" and reference["entry"]["answer"] == "False":
        with pytest.raises(BadReference, match="pays for any text"):
            judge(reference, "???")
        return
    assert judge(reference, str(reference["entry"]["answer"])).score == 1.0
    assert judge(reference, "???").score < 1.0


@pytest.mark.parametrize("task", sorted(gym.EVALUATES_LISTS | gym.EVALUATES_FORMULAS))
def test_nothing_of_an_answer_is_executed(task: str, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    reference = item(task)
    for attack in (
        f"__import__('os').system('touch {mark}')",
        f"open('{mark}', 'w')",
        f"[open('{mark}', 'w')]",
        f"(lambda: open('{mark}', 'w'))()",
        f"Integer(1).__class__.__base__.__subclasses__() or open('{mark}','w')",
    ):
        assert judge(reference, attack).score == 0.0
    assert not mark.exists()


def test_every_scorer_that_evaluates_text_is_known() -> None:
    """A new release with another such scorer must not go unseen."""
    package = Path(reasoning_gym.__file__).parent
    known = {
        *gym.EVALUATES_LISTS,
        *gym.EVALUATES_FORMULAS,
        # These evaluate their own items, not the answer; propositional_logic's parse_expr is a parser of its own.
        "codeio", "generators_00_49", "generators_50_99", "bitwise_arithmetic", "basic_arithmetic", "number_sorting",
        "propositional_logic",
    }  # fmt: skip
    pattern = re.compile(r"\b(?:eval|exec|parse_expr|sympify|literal_eval)\(")
    assert {path.stem for path in package.rglob("*.py") if pattern.search(path.read_text("utf-8"))} <= known


def test_bad_items_are_bad_references() -> None:
    whole = item("leg_counting")
    for broken in ({**whole, "task": "no_such_task"}, {"task": "rubiks_cube", "entry": {}}, {"entry": whole["entry"]}):
        with pytest.raises(BadReference):
            judge(broken, "4")
