"""What a domain and an item may choose."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from reward_verifiers.verifier import Options, ReferenceModel


class InstructionsOptions(Options):
    mode: Literal["strict", "loose"] = Field(
        default="strict",
        description="`loose`: met also without the first line, the last one, or asterisks, as IFEval defines it.",
    )
    score: Literal["all", "share"] = Field(
        default="all", description="`all`: 1 when every constraint is met; `share`: the share that is met."
    )
    min_content: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1,
        description="Content words of its own that a response must have; 0: nothing is asked, as in IFEval.",
    )


class InstructionsReference(ReferenceModel):
    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True)

    instruction_id_list: list[str] | None = Field(default=None, description="IFEval's and IFBench's ids.")
    arguments: list[dict[str, Any] | None] | str | None = Field(
        default=None,
        alias="kwargs",
        description="One object of arguments for each id, or the list as JSON. Arguments that are null are left out.",
    )
    instruction_id: list[str] | None = Field(
        default=None, description="open-instruct's name for `instruction_id_list`."
    )
    func_name: str | None = Field(default=None, description="A function of RLVR-IFeval; its arguments stand beside it.")
    ground_truth: str | list[Any] | dict[str, Any] | None = Field(
        default=None,
        description="open-instruct's column: any of these forms, as an object or as text (JSON or Python).",
    )
    answer: str | list[Any] | dict[str, Any] | None = Field(default=None, description="The same as `ground_truth`.")
