"""A sample's result as numbers, under names that are the same for every sample of a domain.

reward             the domain's reward; absent without a verdict
accuracy           the first component that counts, stretched to 0..1
score/<component>  each component's score
share/<component>  what it contributes; the shares add up to the reward
"""

from __future__ import annotations

import math

from reward_api.domains.spec import BoundComponent, Domain
from reward_api.gateway import rewards
from reward_verifiers.contract import SampleResult
from trainer_client.dialect.accuracy import accuracy
from trainer_client.dialect.imputation import Numbers


def numbers_of(domain: Domain, result: SampleResult) -> Numbers:
    """What there is of the numbers: without a verdict only those that were there all the same."""
    scores = {key: component.score for key, component in result.components.items()}
    numbers = {f"score/{key}": score for key, score in scores.items() if score is not None}
    main = _main(domain)
    if (score := scores[main.spec.key]) is not None:
        numbers["accuracy"] = accuracy(score, _range(main))
    if result.reward is not None:
        numbers |= {"reward": result.reward, **_shares(domain, scores, result.reward)}
    return numbers


def middle_of(domain: Domain) -> Numbers:
    """The middle of what the domain's numbers can be: for a sample of which nothing at all is known."""
    scores = {component.spec.key: sum(_range(component)) / 2 for component in domain.components}
    parts = [one.spec.weight * scores[one.spec.key] for one in domain.components if one.spec.weight]
    reward = rewards.clipped(domain.spec, math.prod(parts) if domain.spec.combine == "product" else math.fsum(parts))
    main = _main(domain)
    return {
        "reward": reward,
        "accuracy": accuracy(scores[main.spec.key], _range(main)),
        **{f"score/{key}": score for key, score in scores.items()},
        **_shares(domain, scores, reward),
    }


def scores_of(numbers: Numbers) -> Numbers:
    """BoundComponent → score, in the order of their names."""
    return _under("score/", numbers)


def shares_of(numbers: Numbers) -> Numbers:
    """BoundComponent → its share of the reward."""
    return _under("share/", numbers)


def _under(prefix: str, numbers: Numbers) -> Numbers:
    return {name.removeprefix(prefix): float(numbers[name]) for name in sorted(numbers) if name.startswith(prefix)}


def _shares(domain: Domain, scores: dict[str, float | None] | dict[str, float], reward: float) -> Numbers:
    if domain.spec.combine == "product":
        return {"share/product": reward}
    shares = rewards.shares(domain.spec, dict(scores))
    named = {f"share/{key}": share for key, share in shares.items()}
    # What clipping took or gave; without a weight at all it is the only share.
    if domain.spec.clip != (None, None) or not named:
        named["share/clip"] = reward - math.fsum(shares.values())
    return named


def _main(domain: Domain) -> BoundComponent:
    return next((component for component in domain.components if component.spec.weight), domain.components[0])


def _range(component: BoundComponent) -> tuple[float, float]:
    return component.description.score_range if component.description else (0.0, 1.0)
