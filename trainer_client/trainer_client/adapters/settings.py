"""An adapter's settings, from the environment: trainers take the name of a function and leave no room for more.

| variable | |
|---|---|
| TOUCHSTONE_URL | the gateway; http://127.0.0.1:8700 when not set |
| TOUCHSTONE_KEY | its bearer key |
| TOUCHSTONE_DOMAIN | the domain of samples that name none, and whose source is not in the next |
| TOUCHSTONE_SOURCES | domain by data source: `openai/gsm8k=math,codecontests=code` |
| TOUCHSTONE_PREFIX | what the chat template writes at the start of each completion, `<think>\\n` say |
| TOUCHSTONE_GROUP_SIZE | completions a prompt, where a trainer sends them one by one and does not say it |
| TOUCHSTONE_DEADLINE_S | seconds until a sample without a reward has no verdict; 60 when not set |
| TOUCHSTONE_RUN | the run's name: a resumed run then finds its verdicts, where a trainer tells the step |
| TOUCHSTONE_STOP_AT | share of samples without a verdict at which the run stops; 0.5 when not set |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from trainer_client.client import AsyncRewardClient, RewardClient


@dataclass(frozen=True)
class AdapterSettings:
    """The variables above, read."""

    url: str = "http://127.0.0.1:8700"
    key: str | None = None
    domain: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    group_size: int | None = None
    deadline_s: float = 60.0
    run: str | None = None
    stop_at: float = 0.5

    def domain_of(self, source: str | None, named: str | None = None) -> str:
        """The domain that a sample names, else that of its data source, else the default. Raises ValueError for none."""
        domain = named or self.sources.get(source or "") or self.domain
        if domain is None:
            of = f"data source {source!r} has no domain" if source else "a sample names no domain"
            raise ValueError(f"{of}: set TOUCHSTONE_DOMAIN, or TOUCHSTONE_SOURCES={source or 'source'}=domain")
        return domain


def adapter_settings() -> AdapterSettings:
    """Of the environment as it is now. Raises ValueError, naming the variable."""
    variables = {
        name: os.environ.get(f"TOUCHSTONE_{name.upper()}", "") for name in AdapterSettings.__dataclass_fields__
    }
    return AdapterSettings(
        url=variables["url"] or AdapterSettings.url,
        key=variables["key"] or None,
        domain=variables["domain"] or None,
        sources=_sources(variables["sources"]),
        prefix=variables["prefix"].replace("\\n", "\n"),
        group_size=_size(variables["group_size"]) if variables["group_size"] else None,
        deadline_s=_number("DEADLINE_S", variables["deadline_s"] or str(AdapterSettings.deadline_s)),
        run=variables["run"] or None,
        stop_at=_number("STOP_AT", variables["stop_at"] or str(AdapterSettings.stop_at)),
    )


def client(settings: AdapterSettings) -> AsyncRewardClient:
    """The process's one client with these settings: any thread and any event loop may use it."""
    return _client(settings.url, settings.key, settings.run, settings.deadline_s, settings.stop_at)


@lru_cache(maxsize=8)
def _client(url: str, key: str | None, run: str | None, deadline_s: float, stop_at: float) -> AsyncRewardClient:
    return AsyncRewardClient(url, key=key, run=run, deadline_s=deadline_s, stop_at=stop_at)


def blocking_client(settings: AdapterSettings) -> RewardClient:
    """As `client`, for trainers that call from threads and wait."""
    return _blocking_client(settings.url, settings.key, settings.run, settings.deadline_s, settings.stop_at)


@lru_cache(maxsize=8)
def _blocking_client(url: str, key: str | None, run: str | None, deadline_s: float, stop_at: float) -> RewardClient:
    return RewardClient(url, key=key, run=run, deadline_s=deadline_s, stop_at=stop_at)


def _sources(text: str) -> dict[str, str]:
    pairs = [part.strip().rpartition("=") for part in text.split(",") if part.strip()]
    if any(not source or not domain for source, _, domain in pairs):
        raise ValueError("TOUCHSTONE_SOURCES: give source=domain, with commas between")
    return {source.strip(): domain.strip() for source, _, domain in pairs}


def _size(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"TOUCHSTONE_GROUP_SIZE: {text!r} is no number of completions")
    return int(text)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"TOUCHSTONE_{name}: {text!r} is no number") from None
