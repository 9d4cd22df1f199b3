"""What a data set may ask of a structured document."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from reward_verifiers.contract import StrictModel
from reward_verifiers.verifier import Options, ReferenceModel

Kind = Literal["json", "yaml", "xml", "toml", "csv"]
Compare = Literal["auto", "exact", "text", "number", "date", "set"]
ColumnType = Literal["string", "integer", "number", "boolean", "date"]
MAX_RULES = 256
Weight = Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]


class FieldRule(StrictModel):
    """What is asked of the value at a path. Exactly one of equals, any_of, pattern, grounded, present."""

    path: str = Field(max_length=500, description="Such as `order.items[0].name`; `items[*].name` is every one.")
    equals: Any = Field(default=None, description="The right value.")
    any_of: list[Any] | None = Field(default=None, min_length=1, description="The right values; one is enough.")
    pattern: str | None = Field(default=None, max_length=1000, description="RE2 pattern of the whole value.")
    grounded: bool = Field(default=False, description="The value stands in `source`, or in the prompt without it.")
    present: bool | None = Field(
        default=None, description="true: there, and neither empty nor a filler; false: not there."
    )
    compare: Compare = Field(
        default="auto",
        description="`auto`: by the type of the right value. `text`: without case, accents of width and extra spaces. "
        "`set`: a list in any order.",
    )
    tolerance: float = Field(default=1e-9, ge=0, allow_inf_nan=False, description="Of numbers, relative or absolute.")
    weight: Weight = 1.0

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        modes = [
            "equals" in self.model_fields_set,
            self.any_of is not None,
            self.pattern is not None,
            self.grounded,
            self.present is not None,
        ]
        if sum(modes) != 1:
            raise ValueError("give exactly one of equals, any_of, pattern, grounded, present")
        return self


class ColumnRule(StrictModel):
    """A column of a CSV table."""

    name: str = Field(min_length=1, max_length=200)
    type: ColumnType = "string"
    required: bool = Field(default=True, description="No cell is empty.")
    unique: bool = False
    values: list[str] | None = Field(default=None, description="The cells that are allowed.")
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = Field(default=None, max_length=1000, description="RE2 pattern of a whole cell.")


class StructuredOptions(Options):
    kind: Kind = Field(default="json", description="The language of the document.")
    score: Literal["all", "share"] = Field(
        default="all", description="`all`: 1 when every field is right; `share`: the weighted share that is right."
    )
    alone: bool = Field(default=False, description="Nothing but the document may stand in the answer.")
    delimiter: str = Field(default=",", min_length=1, max_length=1, description="Of CSV.")


class StructuredReference(ReferenceModel):
    model_config = ConfigDict(populate_by_name=True)

    json_schema: dict[str, Any] | bool | None = Field(
        default=None,
        alias="schema",
        description="JSON Schema of the document; XML and TOML are read into the same tree.",
    )
    expected: Any = Field(default=None, description="The right document: each of its values is a field.")
    fields: list[FieldRule] = Field(default_factory=list, max_length=MAX_RULES)
    columns: list[ColumnRule] = Field(default_factory=list, max_length=MAX_RULES, description="Of CSV.")
    min_rows: int | None = Field(default=None, ge=0, description="Of CSV.")
    max_rows: int | None = Field(default=None, ge=0, description="Of CSV.")
    source: str | None = Field(default=None, description="The text that grounded values stand in.")
    schema_str: str | None = Field(
        default=None,
        max_length=1_000_000,
        description="NeMo Gym's form of `schema`: JSON text, with all properties required and no others allowed.",
    )
    schema_type: Kind | None = Field(default=None, description="NeMo Gym's name for the item's own `kind`.")

    @model_validator(mode="before")
    @classmethod
    def _schema_may_be_text(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("schema_str"), str) or data.get("schema") is not None:
            return data
        try:
            return {**data, "schema": _strict(json.loads(data["schema_str"]))}
        except (ValueError, RecursionError):
            raise ValueError("schema_str: it is not JSON") from None


def _strict(schema: Any) -> Any:
    """All properties of all objects are required, and no others are allowed."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        inner |= {"required": list(schema["properties"]), "additionalProperties": False}
    return inner
