"""Keys from files, as Docker and Kubernetes mount secrets."""

import pytest
from pydantic_settings import SettingsError

from reward_verifiers.service.settings import ServiceSettings


def test_a_key_may_stand_in_a_file(tmp_path, monkeypatch):
    (tmp_path / "keys").write_text("one, two\n")
    monkeypatch.setenv("TOUCHSTONE_SCORE_KEYS", "")
    monkeypatch.setenv("TOUCHSTONE_SCORE_KEYS_FILE", str(tmp_path / "keys"))
    assert ServiceSettings().scorers == {"one", "two"}
    assert ServiceSettings(score_keys="flag").scorers == {"flag"}


def test_an_empty_file_says_nothing(monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_SCORE_KEYS", "one")
    monkeypatch.setenv("TOUCHSTONE_SCORE_KEYS_FILE", "/dev/null")
    assert ServiceSettings().scorers == {"one"}


def test_a_file_that_cannot_be_read_is_no_open_service(monkeypatch):
    monkeypatch.setenv("TOUCHSTONE_SCORE_KEYS_FILE", "/nowhere/keys")
    with pytest.raises(SettingsError, match="TOUCHSTONE_SCORE_KEYS_FILE"):
        ServiceSettings()


def test_no_other_setting_is_read_from_a_file(tmp_path, monkeypatch):
    (tmp_path / "workers").write_text("77")
    monkeypatch.setenv("TOUCHSTONE_WORKERS_FILE", str(tmp_path / "workers"))
    assert ServiceSettings().workers != 77
