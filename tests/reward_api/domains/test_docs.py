"""docs/domains.md: every key stands there, and every example is a domain that fits its verifiers."""

import re
from pathlib import Path

import pytest

from reward_api.domains.spec import BadDomain, ComponentSpec, DomainSpec, read
from reward_verifiers import registry
from reward_verifiers.runtime.local import parse_options
from reward_verifiers.verifier import Verifier

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "domains.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
README = re.findall(r"```yaml\n(.*?)```", (DOCS.parent / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("model", [DomainSpec, ComponentSpec])
def test_every_key_has_a_line(model):
    for key in model.model_fields:
        assert re.search(rf"^\| `{key}` \|", PAGE, re.MULTILINE), key


@pytest.mark.parametrize("text", EXAMPLES + README)
def test_every_example_fits(text):
    spec = read(text.encode())
    for component in spec.components:
        if component.verifier in registry.registered():
            verifier = registry.load(component.verifier)
            assert isinstance(verifier, Verifier)
            parse_options(verifier, component.options)


def test_an_example_that_does_not_fit_is_found():
    with pytest.raises(BadDomain):
        read(EXAMPLES[1].replace("requires: [answer]", "require: answer").encode())
