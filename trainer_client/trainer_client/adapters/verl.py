"""verl: rewards by settings, for its reward loop.

    reward.custom_reward_function.path=pkg://trainer_client.adapters.verl reward.num_workers=1

A sample without a verdict gets the mean of its scored siblings and `failed` 1: verl has no word for it, and 0.0 would be a
punishment. `verl_manager` drops such samples instead. See docs/trainers/verl.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from trainer_client.adapters.settings import AdapterSettings, client, settings
from trainer_client.adapters.siblings import Judged, judged, known
from trainer_client.adapters.single import single
from trainer_client.wire import RolloutSample, Text

PREFIX = "touchstone_"
"""Before a component's name among the extra keys: columns of the data set stand beside them."""
# verl's own arguments, when it serves a reward model.
_VERLS = frozenset({"reward_router_address", "reward_model_tokenizer"})
_MOST_TOLD = 300

Value = float | int | str | None


@dataclass(frozen=True)
class Rollout:
    """One completion as verl knows it.

    group: what names its group, where anything does. prefix: what the chat template wrote of it, where that is seen.
    """

    completion: Text
    source: str
    ground_truth: Any
    extra: Mapping[str, Any]
    prompt: Text | None = None
    prefix: str = ""
    group: str | None = None
    truncated: bool | None = None
    tokens: int | None = None


async def compute_score(
    data_source: str, solution_str: str, ground_truth: Any, extra_info: Mapping[str, Any] | None = None, **given: Any
) -> dict[str, Value]:
    """The reward of one sample, and extra keys that are the same for every sample.

    given: `reward_kwargs`, which are fields of AdapterSettings and go before the environment's. Raises NoVerdict when there
    is neither a verdict nor a stand-in, ValueError for a setting that cannot be, BadGroup for a wrong key, URL or domain.
    """
    told = settings_of(given)
    shared = await components(told)
    extra = extra_info or {}
    rollout = Rollout(
        completion=solution_str,
        source=data_source,
        ground_truth=ground_truth,
        extra=extra,
        prompt=extra.get("prompt") or extra.get("question"),
        group=_named(data_source, extra),
    )
    return row(await judged(told, sample_of(told, rollout), size=told.group_size), shared)


def settings_of(given: Mapping[str, Any]) -> AdapterSettings:
    """The environment's settings with `reward_kwargs` over them. Raises ValueError for a name that is none."""
    given = {name: value for name, value in given.items() if name not in _VERLS}
    names = {one.name for one in fields(AdapterSettings)}
    if unknown := sorted(given.keys() - names):
        raise ValueError(f"reward_kwargs.{unknown[0]}: no setting; there are {', '.join(sorted(names))}")
    if "sources" in given:
        given["sources"] = dict(given["sources"])
    return replace(settings(), **given)


def sample_of(told: AdapterSettings, rollout: Rollout) -> RolloutSample:
    return single(
        told.domain_of(rollout.source, rollout.extra.get("domain")),
        rollout.completion,
        rollout.ground_truth,
        more=rollout.extra.get("reference"),
        prompt=rollout.prompt,
        prefix=rollout.prefix or told.prefix,
        group_id=rollout.group,
        truncated=rollout.truncated,
        tokens=rollout.tokens,
    )


def _named(source: str, extra: Mapping[str, Any]) -> str | None:
    """verl passes no prompt and no group to a function; its data sets number their rows in `extra_info`."""
    if extra.get("group_id") is not None:
        return str(extra["group_id"])
    if extra.get("index") is not None:
        return f"{source} {extra.get('split')} {extra['index']}"
    return None


# --- what verl reads --------------------------------------------------------------------------------------------------


_components: dict[tuple[str, ...], tuple[str, ...]] = {}


async def components(told: AdapterSettings) -> tuple[str, ...]:
    """Those of all domains in the settings, as they are when the process begins. A domain that is changed later adds none,
    for verl reads the keys of one sample from all.

    Raises NoVerdict when the gateway does not answer, BadGroup when it lacks a domain.
    """
    domains = sorted({*told.sources.values(), *([told.domain] if told.domain else [])})
    name = (told.url, *domains)
    if name not in _components:
        served = [await known(client(told), domain) for domain in domains]
        _components.setdefault(name, tuple(sorted({part for domain in served for part in domain.components})))
    return _components[name]


def row(result: Judged, shared: Sequence[str]) -> dict[str, Value]:
    """verl's dictionary. `acc` is the first component that counts; `pred` the answer in its normal form, which verl's maj@N
    compares; `shared` are the components to tell, None where the sample's domain has none of this name."""
    return {
        "score": result.reward,
        "acc": result.accuracy,
        "pred": result.scored.canonical or "",
        "failed": int(result.failed),
        "failure": result.failure[:_MOST_TOLD],
        **{PREFIX + component: result.score(component) for component in shared},
    }
