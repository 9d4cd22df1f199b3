"""The preference service's settings: `TOUCHSTONE_PREFERENCE_*` variables, all with defaults."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHIPPED = Path(__file__).with_name("models.yaml")


class JudgeSettings(BaseSettings):
    """A language model as judge, behind any OpenAI-compatible server: `TOUCHSTONE_JUDGE_URL` is enough."""

    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_JUDGE_", extra="ignore", env_ignore_empty=True)

    url: str = Field(default="", description="Base URL, e.g. http://vllm:8000/v1. Empty: there is no judge.")
    model: str = Field(default="", description="The model's name there. Default: the first that the server lists.")
    key: SecretStr = Field(default=SecretStr(""), description="The server's bearer key.")
    temperature: float = Field(default=0.0, ge=0, le=2, description="Sampling temperature; 0 repeats its verdicts.")
    seed: int | None = Field(default=None, description="If set, it is sent with each request.")
    max_completion_tokens: int = Field(default=4096, ge=16, description="Tokens that one judgement may take.")
    system_prompt: str = Field(default="", description="Text before the judge's own instructions.")
    timeout_s: float = Field(default=60.0, gt=0, le=3600, description="Seconds for one request.")
    concurrency: int = Field(default=16, ge=1, le=512, description="Requests at a time.")
    canary_minutes: float = Field(default=10.0, gt=0, description="How often the judge is tested on known answers.")
    max_calls: int | None = Field(
        default=None, ge=1, description="Requests per run. Above this, samples have no verdict."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Tokens per run. Above this, samples have no verdict."
    )
    prompt_price: float = Field(default=0.0, ge=0, description="Price of a million prompt tokens, for `usage.cost`.")
    completion_price: float = Field(default=0.0, ge=0, description="Price of a million completion tokens.")
    rubrics: Path | None = Field(default=None, description="JSON Lines file of the rubrics that the judge wrote.")


class PreferenceSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="TOUCHSTONE_PREFERENCE_", extra="ignore", env_ignore_empty=True)

    registry: Path = Field(
        default=SHIPPED, description="The YAML file of models, followed while it serves. Default: the package's own."
    )
    threads: int = Field(default=1, ge=1, le=256, description="Threads of one forward pass on a CPU.")
    window_ms: float = Field(default=2.0, ge=0, le=1000, description="How long a batch waits for more texts.")
    max_queue_tokens: int = Field(default=2_000_000, ge=1024, description="Tokens waiting or at work before 429.")
    judge: JudgeSettings = Field(
        default_factory=JudgeSettings, description="Read from TOUCHSTONE_JUDGE_*; see docs/judges.md."
    )
    probe_window: int = Field(default=64, ge=8, description="Groups over which gold_probe compares the two trends.")

    @field_validator("registry")
    @classmethod
    def _is_a_file(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"no such file: {path}")
        return path
