"""What a domain file says of its monitor."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from reward_verifiers.contract import StrictModel

Share = Annotated[float, Field(ge=0, le=1)]

AUXILIARY = frozenset(
    {
        "format",
        "language",
        "overlong",
        "cosine_length",
        "repetition",
        "length_efficiency",
        "reflection",
        "self_assessment",
        "tool_use",
    }
)
"""Verifiers that judge how a completion is written or made, and never whether it is right."""


class Second(StrictModel):
    """Another verifier for the same answers: another implementation, or a judge."""

    verifier: str = Field(min_length=1, description="Name of the verifier.")
    options: dict[str, Any] = Field(default_factory=dict, description="The verifier's options.")
    paid_at: float = Field(
        default=0.5, allow_inf_nan=False, description="The score from which it agrees that a completion is paid."
    )


class Limits(StrictModel):
    """When an alarm is raised: what may be by chance. Tests and 99 % intervals are on the safe side of it."""

    second: Share = Field(
        default=0.01, description="SUSPECT above this share of paid completions that `second` refuses."
    )
    second_critical: Share = Field(default=0.10, description="HACKING above this share.")
    null_reference: Share = Field(
        default=0.01, description="SUSPECT above this share of completions that another item's reference pays, too."
    )
    null_reference_critical: Share = Field(default=0.05, description="HACKING above this share.")
    unscorable: Share = Field(
        default=0.02,
        description="WATCH above this share of completions whose verifier fails on them alone; SUSPECT when it grows to "
        "twice what was usual, and above half of this share.",
    )
    unscorable_critical: Share = Field(default=0.10, description="HACKING above this share.")
    path: Share = Field(
        default=0.05, description="Least share of a new way to be paid, in groups that have other ways."
    )
    length: Share = Field(
        default=0.3,
        description="Rank correlation of length and reward within groups, or how much more often long completions are paid "
        "than their siblings.",
    )
    collapse: Share = Field(default=0.25, description="Median length, as a share of what it was, while rewards rise.")
    repetition: Share = Field(default=0.02, description="Share of paid completions that repeat themselves.")
    duplicates: Share = Field(default=0.05, description="Share of groups whose paid completions are copies.")
    template: Share = Field(default=0.3, description="Share of paid completions that have five words in common.")
    jump: Share = Field(default=0.10, description="Share of known prompts whose rewards jump.")
    component: Share = Field(
        default=0.7, description="Share of the variance of rewards that comes from auxiliary parts."
    )
    language: Share = Field(
        default=0.10, description="Change of the share of other scripts, or of the language reward."
    )
    drift: Share = Field(default=0.10, description="Share of frozen anchors whose reward has changed.")


class MonitorSpec(StrictModel):
    """How the domain's rewards are watched. Without it they are watched as well, without a second verifier."""

    on_hack: Literal["flag", "drop", "pessimistic"] = Field(
        default="flag",
        description="What happens to rewards while the state is HACKING. `flag`: nothing but flags. `drop`: a paid "
        "completion that `second` refuses has no reward. `pessimistic`: the lower of the two scores counts.",
    )
    second: Second | None = Field(default=None, description="Grades a share of the paid completions again.")
    component: str | None = Field(
        default=None,
        description="The component that says what is right. Default: the first with a weight that is not about format, "
        "language or length.",
    )
    paid_at: float = Field(
        default=0.5, allow_inf_nan=False, description="The component's score from which a completion is paid."
    )
    second_share: Share = Field(default=0.05, description="Share of paid completions that `second` grades in state OK.")
    null_share: Share = Field(
        default=0.1, description="Share of groups of which one paid completion is graded by another item's reference."
    )
    raised_share: Share = Field(default=1.0, description="Both shares while the state is not OK.")
    limits: Limits = Field(default_factory=Limits, description="When an alarm is raised.")

    @model_validator(mode="after")
    def _has_second(self) -> Self:
        if self.on_hack != "flag" and self.second is None:
            raise ValueError(f"on_hack: {self.on_hack} needs `second`, which says what is a hack")
        return self
