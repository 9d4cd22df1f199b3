import pytest


@pytest.fixture
def asked_with(monkeypatch, toy_url):
    """Sets TOUCHSTONE_* for the adapters: the toys' gateway, domain `toy`, and what a test gives."""

    def ask(**message):
        for name, value in {"URL": toy_url, "DOMAIN": "toy", "STOP_AT": "1", "DEADLINE_S": "30", **message}.items():
            monkeypatch.setenv(f"TOUCHSTONE_{name}", value)

    ask()
    return ask
