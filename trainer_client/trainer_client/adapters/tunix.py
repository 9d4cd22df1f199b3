"""tunix and MaxText: one function for the rewards of a batch.

    GRPOLearner(rl_cluster, algo_config, reward_fns=trainer_client.adapters.tunix.reward)
    reward_functions_path="$(python -m trainer_client.adapters.tunix)" reward_functions=reward         MaxText

tunix makes NaN of None, and 0 of NaN: a punishment. So a row without a verdict gets the mean of its scored siblings, or else
the mean of the domain's last rewards. See docs/trainers/tunix.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from trainer_client.adapters.rows import grouped
from trainer_client.adapters.settings import adapter_settings, blocking_client
from trainer_client.adapters.siblings import batch_rewards


def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:
    """The gateway's reward of each completion, imputed where there is none.

    Raises NoVerdict when there is neither a verdict nor a number to impute, TooManyFailures above TOUCHSTONE_STOP_AT,
    BadGroup for a wrong key, URL or domain, ValueError for a row without a domain.
    """
    settings = adapter_settings()
    if "tmvp_config" in columns:
        columns |= _maxtext_answers(columns.get("answer", ()))
    batch = grouped(settings, prompts, completions, columns)
    scored = blocking_client(settings).score_many(batch.groups)
    domains = [group.domain for group in batch.groups]
    return batch.in_rows(batch_rewards(settings, domains, scored))


def _maxtext_answers(column: Iterable[Any]) -> dict[str, Any]:
    """MaxText's own data sets have all right answers in one JSON list, some twice. The first becomes the answer."""
    answers = [_answers(text) for text in column]
    columns = {"answer": [first for first, *_ in answers], "aliases": [others for _, *others in answers]}
    return {name: values for name, values in columns.items() if any(values)}


def _answers(text: Any) -> list[Any]:
    try:
        answers = json.loads(text)
    except (TypeError, ValueError):
        return [text]
    is_list = isinstance(answers, list) and answers and all(isinstance(answer, str) for answer in answers)
    return list(dict.fromkeys(answers)) if is_list else [text]


if __name__ == "__main__":
    sys.stdout.write(f"{__file__}\n")
