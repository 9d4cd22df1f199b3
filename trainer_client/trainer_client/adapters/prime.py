"""Prime's verifiers v1 and prime-rl: a reward plugged in by configuration.

    --env.taskset.task.rewards.touchstone.fn trainer_client.adapters.prime:reward

No verdict is raised. verifiers records it on the trace, whose reward stays None, and prime-rl trains on traces without
errors only. See docs/trainers/prime.md.
"""

from __future__ import annotations

from typing import Any

from trainer_client.adapters.rows import grouped
from trainer_client.adapters.settings import adapter_settings, client
from trainer_client.adapters.siblings import failure_text, served_domain
from trainer_client.client import AsyncRewardClient
from trainer_client.errors import NoVerdict


async def reward(task: Any, trace: Any) -> float:
    """The gateway's reward of a trace's last branch; the components are recorded as its metrics `touchstone_NAME`.

    task: verifiers' TaskData, whose fields beyond verifiers' own are the reference. Raises NoVerdict with the cause, and
    for a set-up at fault BadGroup (a wrong key, URL or domain) or ValueError (a task without a domain; a domain that looks
    at the siblings, which a trace does not have).
    """
    settings = adapter_settings()
    prompt, completion = _messages(trace)
    columns = {name: [value] for name, value in _data(task).items()}
    tokens = [trace.num_output_tokens] if trace.num_output_tokens else None
    [group] = grouped(settings, [prompt], [completion], columns, tokens).groups
    gateway = client(settings)
    await _judges_alone(gateway, group.domain)
    sample = (await gateway.score_many([group]))[0][0]
    trace.record_metrics(
        {f"touchstone_{name}": score for name, score in sample.components.items() if score is not None}
    )
    if sample.reward is None:
        raise NoVerdict(failure_text(sample))
    return sample.reward


async def _judges_alone(gateway: AsyncRewardClient, domain: str) -> None:
    if (await served_domain(gateway, domain)).needs_siblings:
        url = f"/compat/prime/{domain}?group_size=N"
        raise ValueError(f"domain {domain!r} looks at all siblings, and a trace comes alone: use {url}")


def _data(task: Any) -> dict[str, Any]:
    """The data set's fields: those that verifiers' TaskData does not have."""
    base: Any = next(kind for kind in type(task).__mro__ if kind.__name__ == "TaskData")
    data: dict[str, Any] = task.model_dump(mode="json", exclude=set(base.model_fields))
    return data


def _messages(trace: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(the prompt, what follows from the model's first message on)."""
    nodes = trace.branches[-1].nodes if trace.branches else []
    first = next((place for place, node in enumerate(nodes) if node.sampled), len(nodes))
    messages = [node.message.model_dump(mode="json", exclude_none=True) for node in nodes]
    return messages[:first], messages[first:]
