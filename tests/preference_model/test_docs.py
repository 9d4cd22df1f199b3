"""What docs/preference.md says is what there is."""

import re
from pathlib import Path

import yaml

from preference_model.model.registry import ModelSpec, RegistrySpec, UpstreamSpec

PAGE = (Path(__file__).parents[2] / "docs" / "preference.md").read_text()
README = (Path(__file__).parents[2] / "README.md").read_text()


def test_every_key_of_an_entry_is_documented():
    for name in (*ModelSpec.model_fields, *UpstreamSpec.model_fields):
        assert f"`{name}`" in PAGE, name


def test_the_examples_are_registries():
    for page in (PAGE, README):
        [block] = [text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if text.startswith("models:")]
        assert "helpful" in RegistrySpec.model_validate(yaml.safe_load(block)).models
