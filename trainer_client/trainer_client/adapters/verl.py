"""verl: rewards by settings, for its reward loop.

    reward.custom_reward_function.path=pkg://trainer_client.adapters.verl reward.num_workers=1

A sample without a verdict gets the mean of its scored siblings and `failed` 1: verl has no word for it, and 0.0 would be a
punishment. `verl_manager` drops such samples instead. See docs/trainers/verl.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from trainer_client.adapters.settings import AdapterSettings, adapter_settings, client
from trainer_client.adapters.siblings import SampleReward, sample_reward, served_domain
from trainer_client.adapters.single import single_sample
from trainer_client.adapters.verl_tools import session_of
from trainer_client.wire import RolloutSample, Text

PREFIX = "touchstone_"
"""Before a component's name among the extra keys: columns of the data set stand beside them."""
# verl's own arguments, when it serves a reward model.
_VERLS = frozenset({"reward_router_address", "reward_model_tokenizer"})
_MOST_FAILURE_TEXT = 300

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
    session: str | None = None


async def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    **reward_kwargs: Any,
) -> dict[str, Value]:
    """The reward of one sample, and extra keys that are the same for every sample.

    reward_kwargs: fields of AdapterSettings, which go before the environment's. Raises NoVerdict when there is neither a
    verdict nor a number to impute, ValueError for a setting that cannot be, BadGroup for a wrong key, URL or domain.
    """
    settings = settings_of(reward_kwargs)
    shared = await components(settings)
    extra = extra_info or {}
    rollout = Rollout(
        completion=solution_str,
        source=data_source,
        ground_truth=ground_truth,
        extra=extra,
        prompt=extra.get("prompt") or extra.get("question"),
        group=_named(data_source, extra),
        session=session_of(extra),
    )
    return row(await sample_reward(settings, sample_of(settings, rollout), size=settings.group_size), shared)


def settings_of(reward_kwargs: Mapping[str, Any]) -> AdapterSettings:
    """The environment's settings with `reward_kwargs` over them. Raises ValueError for a name that is none."""
    own = {name: value for name, value in reward_kwargs.items() if name not in _VERLS}
    names = {one.name for one in fields(AdapterSettings)}
    if unknown := sorted(own.keys() - names):
        raise ValueError(f"reward_kwargs.{unknown[0]}: no setting; there are {', '.join(sorted(names))}")
    if "sources" in own:
        own["sources"] = dict(own["sources"])
    return replace(adapter_settings(), **own)


def sample_of(settings: AdapterSettings, rollout: Rollout) -> RolloutSample:
    return single_sample(
        settings.domain_of(rollout.source, rollout.extra.get("domain")),
        rollout.completion,
        rollout.ground_truth,
        more=rollout.extra.get("reference"),
        prompt=rollout.prompt,
        prefix=rollout.prefix or settings.prefix,
        group_id=rollout.group,
        truncated=rollout.truncated,
        tokens=rollout.tokens,
        session=rollout.session,
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


async def components(settings: AdapterSettings) -> tuple[str, ...]:
    """Those of all domains in the settings, as they are when the process begins. A domain that is changed later adds none,
    for verl reads the keys of one sample from all.

    Raises NoVerdict when the gateway does not answer, BadGroup when it lacks a domain.
    """
    domains = sorted({*settings.sources.values(), *([settings.domain] if settings.domain else [])})
    name = (settings.url, *domains)
    if name not in _components:
        served = [await served_domain(client(settings), domain) for domain in domains]
        _components.setdefault(name, tuple(sorted({part for domain in served for part in domain.components})))
    return _components[name]


def row(result: SampleReward, shared: Sequence[str]) -> dict[str, Value]:
    """verl's dictionary. `acc` is the first component that counts; `pred` the answer in its normal form, which verl's maj@N
    compares; `shared` are the components to tell, None where the sample's domain has none of this name."""
    return {
        "score": result.reward,
        "acc": result.accuracy,
        "pred": result.scored.canonical or "",
        "failed": int(result.failed),
        "failure": result.failure[:_MOST_FAILURE_TEXT],
        **{PREFIX + component: result.score(component) for component in shared},
    }
