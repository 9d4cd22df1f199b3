"""The registry file: what does not fit is named, and the last good one goes on."""

from pathlib import Path

import pytest
import yaml

from preference_model.model.registry import BadRegistry, Registry, read
from preference_model.settings import SHIPPED, PreferenceSettings

RM = {"model": "/m", "floor": -5}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, "models.rm: give exactly one of model, head, upstream, ensemble; got none"),
        ({**RM, "head": "safe"}, "models.rm: give exactly one of model, head, upstream, ensemble; got model, head"),
        ({**RM, "flor": 1}, "models.rm.flor: unknown key; did you mean 'floor'?"),
        ({"model": "/m"}, "models.rm: floor: say what a guarded text scores"),
        ({**RM, "normalisation": "z"}, "models.rm: calibration: normalisation 'z' needs it"),
        ({**RM, "clip": [1, -1]}, "models.rm: clip: the lower bound is above"),
        ({**RM, "truncation": "silent"}, "models.rm.truncation: Input should be"),
        ({**RM, "device": "gpu"}, "models.rm.device: "),
        ({**RM, "abstain_std": 1}, "models.rm: abstain_std: only an ensemble"),
        ({**RM, "abstain_margin": 0.1}, "models.rm: abstain_margin: only a probability"),
        ({"ensemble": {"members": ["a", "b"]}, "floor": 0}, "models.rm.ensemble.members: no model is named 'a'"),
        ({**RM, "calibration": {"set": "s", "mean": 0, "std": 0}}, "models.rm.calibration.std: "),
        (
            {**RM, "calibration": {"set": "s", "mean": 0, "std": 1, "quantiles": [2, 1]}},
            "models.rm.calibration: quantiles must",
        ),
        ({"upstream": {"kind": "tei", "url": "ftp://x"}, "floor": 0}, "models.rm.upstream.url: "),
        ({**RM, "budget": {"first": 0, "steps": 0}}, "models.rm.budget.steps: "),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, entry, message):
    path = tmp_path / "preference.yaml"
    path.write_text(yaml.safe_dump({"models": {"rm": entry}}))
    with pytest.raises(BadRegistry) as caught:
        read(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models: [", "not valid YAML in line"),
        ("models: {}", "models: "),
        ("- 1", "it must hold `key: value` lines, not a list"),
        ("models:\n  rm: {path: /x}\n  rm: {path: /y}\n", "rm: the key stands twice in one mapping in line 3"),
    ],
)
def test_what_is_no_registry_at_all(tmp_path, text, message):
    path = tmp_path / "preference.yaml"
    path.write_text(text)
    with pytest.raises(BadRegistry, match=message):
        read(path)


def test_a_file_is_followed_and_a_bad_one_is_refused(tmp_path):
    path = tmp_path / "preference.yaml"
    path.write_text(yaml.safe_dump({"models": {"rm": RM}}))
    registry = Registry(path)
    path.write_text(yaml.safe_dump({"models": {"rm": {**RM, "floor": -7}, "other": RM}}))
    assert set(registry.current().models) == {"rm", "other"}
    path.write_text("models: {rm: {model: /m, flor: 1, floor: 0}}")
    assert registry.current().models["rm"].floor == -7
    assert "models.rm.flor" in str(registry.refused)
    path.write_text(yaml.safe_dump({"models": {"rm": RM}}))
    assert registry.current().models["rm"].floor == -5
    assert registry.refused is None
    path.unlink()
    assert registry.current().models["rm"].floor == -5


def test_a_registry_in_the_working_folder_is_not_taken_and_the_file_in_use_is_logged(tmp_path, monkeypatch, caplog):
    (tmp_path / "models").mkdir()
    (tmp_path / "models/preference.yaml").write_text(yaml.safe_dump({"models": {"rm": RM}}))
    monkeypatch.chdir(tmp_path)
    assert PreferenceSettings().registry == SHIPPED
    with caplog.at_level("INFO"):
        Registry(Path("models/preference.yaml"))
    assert caplog.records[-1].registry == str(tmp_path / "models/preference.yaml")


def test_where_no_model_is_named(tmp_path):
    path = tmp_path / "preference.yaml"
    path.write_text(yaml.safe_dump({"models": {"a": RM, "b": RM}}))
    with pytest.raises(LookupError, match="name one of: a, b"):
        read(path).pick("")
    path.write_text(yaml.safe_dump({"models": {"a": RM, "b": RM}, "default": "b"}))
    assert read(path).pick("") == "b"
