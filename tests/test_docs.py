"""What the pages that belong to no package say is what there is."""

from dataclasses import fields
from pathlib import Path

from reward_verifiers.contract import FailureKind, SampleResult, ScoreReply, ScoreRequest

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_on_replies_names_every_field_and_failure():
    page = (DOCS / "reply.md").read_text()
    replies = {field.name for kind in (SampleResult, ScoreReply) for field in fields(kind)}
    for name in {*ScoreRequest.model_fields, *replies} - {"results", "elapsed_ms"}:
        assert f"`{name}`" in page or f".{name}`" in page, name
    for kind in FailureKind:
        assert f"| `{kind}` |" in page, kind
