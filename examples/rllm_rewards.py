"""rLLM: the evaluator as its engine calls it, with stand-ins for its result types where rllm is not installed.

    touchstone serve
    TOUCHSTONE_SOURCES=gsm8k=math python examples/rllm_rewards.py

What a training script says (docs/trainers/rllm.md):

    AgentTrainer(…, agent_flow=flow, evaluator=trainer_client.adapters.rllm.Evaluator(), …)
    rllm.compact_filtering.enable=True rllm.compact_filtering.mask_error=True
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

from rollouts import COMPLETIONS, QUESTION

from trainer_client.adapters.rllm import Evaluator


@dataclass
class Signal:
    name: str
    value: float


@dataclass
class EvalOutput:
    reward: float
    is_correct: bool
    signals: list[Signal] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


def main() -> None:
    if importlib.util.find_spec("rllm") is None:
        types = ModuleType("rllm.eval.types")
        types.__dict__.update(EvalOutput=EvalOutput, Signal=Signal)
        sys.modules.update({"rllm": ModuleType("rllm"), "rllm.eval": ModuleType("rllm.eval"), "rllm.eval.types": types})
    for answer, text in [*(("5/6", text) for text in COMPLETIONS), (None, COMPLETIONS[0])]:
        task = SimpleNamespace(instruction=QUESTION, metadata={"data_source": "gsm8k", "ground_truth": answer})
        episode = SimpleNamespace(artifacts={"answer": "<think>\n" + text}, trajectories=[])
        try:
            output = Evaluator().evaluate(task, episode)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        else:
            print(output.reward, output.is_correct, {signal.name: signal.value for signal in output.signals})


main()


# It was run: Linux, Python 3.11, no GPU, rllm not installed.
#   $ TOUCHSTONE_SOURCES=gsm8k=math python examples/rllm_rewards.py
#   3.0 True {'answer': 1.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 False {'answer': 0.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 True {'answer': 1.0, 'format': 0.0, 'language': 1.0, 'reflection': 0.0}
#   2.0 False {'answer': 0.0, 'format': 1.0, 'language': 1.0, 'reflection': 0.0}
#   NoVerdict: bad_reference: answer: reference.: answer is missing
