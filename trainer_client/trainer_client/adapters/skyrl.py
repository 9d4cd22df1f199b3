"""SkyRL: an environment of one turn whose reward is the gateway's.

    skyrl_gym.register(id="touchstone", entry_point="trainer_client.adapters.skyrl:TouchstoneEnv")

SkyRL has no word for no verdict but an exception. skyrl_gym is imported when the class is first asked for. See
docs/trainers/skyrl.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from trainer_client.adapters.alone import reward_alone
from trainer_client.adapters.settings import AdapterSettings, adapter_settings
from trainer_client.adapters.single import single_sample
from trainer_client.wire import RolloutSample


def __getattr__(name: str) -> Any:
    if name == "TouchstoneEnv":
        return _environment()
    raise AttributeError(name)


@cache
def _environment() -> Any:
    from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput

    class TouchstoneEnv(BaseTextEnv):  # type: ignore[misc,unused-ignore]
        """extras: the data set's row. `reward_spec.ground_truth` is the reference, `data_source` or `domain` its domain."""

        def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:
            super().__init__()
            self._settings = adapter_settings()
            self._extras = extras or {}
            self._prompt: Any = self._extras.get("prompt")
            self._metrics: dict[str, float] = {}
            domain_of(self._settings, self._extras)

        def init(self, prompt: Any) -> tuple[Any, dict[str, Any]]:
            self._prompt = prompt
            return prompt, {}

        def step(self, action: str) -> Any:
            """The reward of the completion. Raises NoVerdict with the cause, and what `reward_alone` raises."""
            result = reward_alone(self._settings, sample_of(self._settings, self._extras, self._prompt, action))
            self._metrics = {name.removeprefix("score/"): number for name, number in result.numbers.items()}
            about = {"canonical": result.scored.canonical, "reasons": result.scored.reasons}
            return BaseTextEnvStepOutput(observations=[], reward=result.reward, done=True, metadata=about)

        def get_metrics(self) -> dict[str, float]:
            """The reward and each component's score, which SkyRL averages."""
            return self._metrics

    return TouchstoneEnv


def domain_of(settings: AdapterSettings, extras: Mapping[str, Any]) -> str:
    return settings.domain_of(extras.get("data_source"), extras.get("domain"))


def sample_of(settings: AdapterSettings, extras: Mapping[str, Any], prompt: Any, action: str) -> RolloutSample:
    label = (extras.get("reward_spec") or {}).get("ground_truth")
    more = extras.get("reference")
    return single_sample(domain_of(settings, extras), action, label, more=more, prompt=prompt, prefix=settings.prefix)
