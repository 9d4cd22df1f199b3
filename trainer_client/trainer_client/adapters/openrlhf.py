"""OpenRLHF: rewards by a Python file, which wait for a gateway that restarts.

    python -m openrlhf.cli.train_ppo_ray --reward.remote_url "$(python -m trainer_client.adapters.openrlhf)" …

OpenRLHF's HTTP client gives up after five tries, a second apart, and then its run ends. This function tries until the
deadline (TOUCHSTONE_DEADLINE_S). A sample without a verdict gets the mean of its scored siblings, as from the endpoint
/compat/openrlhf. OpenRLHF calls the function in a few threads, so it takes no domain that looks at all siblings: they would
wait for each other's threads. See docs/trainers/openrlhf.md.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from typing import Any

from trainer_client.adapters.settings import AdapterSettings, adapter_settings, client
from trainer_client.adapters.siblings import SampleReward, sample_reward, served_domain
from trainer_client.adapters.single import single_sample
from trainer_client.dialect import openrlhf
from trainer_client.dialect.prefill import without_prompt
from trainer_client.results import no_verdict

_NO_PROMPT = "the query does not hold its prompt, so that it cannot be told what the model wrote"


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """OpenRLHF's `reward_func`: `rewards`, `scores` and `extra_logs`, numbers for one query and lists for more.

    Raises NoVerdict when there is neither a verdict nor a number to impute, ValueError without TOUCHSTONE_DOMAIN and for a
    domain that looks at all siblings, BadGroup for a wrong key, URL or domain.
    """
    return openrlhf.reply(asyncio.run(_rows(adapter_settings(), list(zip(queries, prompts, labels, strict=True)))))


async def _rows(settings: AdapterSettings, samples: list[tuple[str, str, Any]]) -> list[openrlhf.Row]:
    name = settings.domain_of(None)
    if (await served_domain(client(settings), name)).needs_siblings:
        url = f"{settings.url}/compat/openrlhf/{name}?group_size=N"
        raise ValueError(
            f"domain {name!r} looks at all siblings, and they are not all here at once: give OpenRLHF {url}"
        )
    return await asyncio.gather(*(_row(settings, name, *sample) for sample in samples))


async def _row(settings: AdapterSettings, domain: str, query: str, prompt: str, label: Any) -> openrlhf.Row:
    completion = without_prompt(query, prompt)
    sample = single_sample(domain, completion or "", label, prompt=prompt, prefix=settings.prefix)
    scored = no_verdict("unsupported", _NO_PROMPT) if completion is None else None
    result = await sample_reward(settings, sample, size=settings.group_size, scored=scored)
    scores = {name: _score(result, name) for name in sorted(result.domain.components)}
    return openrlhf.row(result.reward, result.accuracy, scores, valid=not result.failed, imputed=result.failed)


def _score(result: SampleReward, name: str) -> float:
    """A float for every component, or OpenRLHF's tensors do not fit: NaN for one without weight that gave none."""
    score = result.score(name)
    return math.nan if score is None else score


if __name__ == "__main__":
    sys.stdout.write(f"{__file__}\n")
