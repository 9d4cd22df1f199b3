"""Prime's verifiers v1 and prime-rl: a reward plugged in by configuration.

    --env.taskset.task.rewards.touchstone.fn trainer_client.adapters.prime:reward

No verdict is raised. verifiers records it on the trace, whose reward stays None, and prime-rl trains on no trace with an error.
See docs/trainers/prime.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trainer_client.adapters.rows import grouped
from trainer_client.adapters.settings import client, settings
from trainer_client.errors import NoVerdict

# What every task of verifiers has; the other fields are the data set's.
_OWN = frozenset(
    "idx id name description prompt system_prompt image workdir agent_user skills network_allow network_block artifacts "
    "artifact_max_bytes timeout resources".split()
)


async def reward(task: Any, trace: Any) -> float:
    """The gateway's reward of a trace's last branch; the components are recorded as its metrics `touchstone_NAME`.

    task: verifiers' TaskData, whose fields beyond verifiers' own are the reference. Raises NoVerdict with the cause, and what
    says that the set-up is at fault: BadGroup for a wrong key, URL or domain, ValueError for a task without a domain or a domain
    that looks at the siblings, which a trace does not have.
    """
    told = settings()
    prompt, completion = _said(trace)
    columns = {name: [value] for name, value in task.model_dump(mode="json").items() if name not in _OWN}
    tokens = [trace.num_output_tokens] if trace.num_output_tokens else None
    [group] = grouped(told, [prompt], [completion], columns, tokens)
    gateway = client(told)
    if (await gateway.domain(group.domain)).needs_siblings:
        url = f"/compat/prime/{group.domain}?group_size=N"
        raise ValueError(f"domain {group.domain!r} looks at all siblings, and a trace comes alone: use {url}")
    sample = (await gateway.score_many([group]))[0].sample(0)
    trace.record_metrics(
        {f"touchstone_{name}": score for name, score in sample.components.items() if score is not None}
    )
    if sample.reward is None:
        failure: Mapping[str, Any] = sample.failure or {}
        raise NoVerdict(f"{failure.get('kind')}: {failure.get('message')}")
    return sample.reward


def _said(trace: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(what the model was given, what was said from its first message on)."""
    nodes = trace.branches[-1].nodes if trace.branches else []
    first = next((place for place, node in enumerate(nodes) if node.sampled), len(nodes))
    messages = [node.message.model_dump(mode="json", exclude_none=True) for node in nodes]
    return messages[:first], messages[first:]
