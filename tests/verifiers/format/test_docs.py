import re
from pathlib import Path

import pytest

from reward_verifiers.format import FormatOptions, FormatVerifier
from reward_verifiers.verifier import ReferenceModel, Sample

PAGE = (Path(__file__).parents[3] / "docs" / "format.md").read_text()
ROWS = re.findall(r"^\| `(.+)` \| ([01]) \| (.*)\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("completion", "score", "errors"), ROWS)
def test_the_worked_example_holds(completion, score, errors):
    text = completion.replace("\\|", "|")
    verdict = FormatVerifier().verify(Sample(completion=text, options=FormatOptions(), reference=ReferenceModel()))
    assert verdict.score == int(score)
    message = [f"{error['code']} {error['what']}".strip() for error in verdict.evidence["errors"]]
    assert message == [part.replace("\\|", "|") for part in re.findall(r"`(.+?)`", errors)]


def test_the_example_is_there():
    assert len(ROWS) == 8


def test_every_option_is_documented():
    for name in FormatOptions.model_fields:
        assert f"`{name}`" in PAGE
