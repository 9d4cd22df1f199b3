import json
import re
from pathlib import Path

from reward_verifiers.language import LanguageOptions, LanguageReference, LanguageVerifier
from reward_verifiers.language.languages import CODES
from reward_verifiers.verifier import Sample

PAGE = (Path(__file__).parents[3] / "docs" / "language.md").read_text()


def test_the_worked_example_holds():
    sentence = re.search(r"`(First we add .+?)`", PAGE)[1]
    score = float(re.search(r"= \*\*([\d.]+)\*\*", PAGE)[1])
    evidence = json.loads(re.search(r"```json\n(.+?)```", PAGE, re.DOTALL)[1])
    options, reference = LanguageOptions(scope="all"), LanguageReference()
    verdict = LanguageVerifier().verify(Sample(completion=sentence, options=options, reference=reference))
    assert round(verdict.score, 2) == score
    assert verdict.evidence == evidence


def test_every_option_is_documented():
    for name in LanguageOptions.model_fields:
        assert f"`{name}`" in PAGE
    assert f"{len(CODES)} languages" in PAGE
