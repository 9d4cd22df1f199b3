"""verl: a reward manager that leaves samples without a verdict out of the batch.

    reward.reward_manager.source=importlib reward.reward_manager.name=TouchstoneRewardManager
    reward.reward_manager.module.path=pkg://trainer_client.adapters.verl_manager reward.num_workers=1

The settings are those of `verl`, from the environment or `reward.custom_reward_function.reward_kwargs`. It sees what a
function does not: a sample's prompt, its length and its group (`uid`). verl is imported when the class is first asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

from trainer_client.adapters.siblings import failure_text, sample_reward
from trainer_client.adapters.verl import Rollout, components, row, sample_of, settings_of
from trainer_client.adapters.verl_tools import session_of
from trainer_client.dialect.prefill import split_prefill
from trainer_client.errors import NoVerdict

# Rows of these splits are measured and not trained on: verl counts one that is dropped there as wrong.
MEASURED = frozenset({"val", "valid", "validation", "test", "dev", "eval"})
# Tokens of a prompt's end in which the start of a completion is looked for.
_PREFILL = 16


def __getattr__(name: str) -> Any:
    if name == "TouchstoneRewardManager":
        return _manager()
    raise AttributeError(name)


@cache
def _manager() -> Any:
    from verl.experimental.reward_loop.reward_manager import register
    from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase

    class TouchstoneRewardManager(RewardManagerBase):  # type: ignore[misc,unused-ignore]
        """A sample without a verdict raises NoVerdict, and verl drops it; where it only measures, the reward is imputed."""

        def __init__(self, config: Any, tokenizer: Any, compute_score: Any = None, **verls: Any) -> None:
            super().__init__(config, tokenizer, compute_score)
            function = config.reward.get("custom_reward_function") or {}
            self.settings = settings_of(function.get("reward_kwargs") or {})
            rollout = config.actor_rollout_ref.get("rollout") or {}
            self.longest: int | None = rollout.get("response_length")
            self.size: int | None = self.settings.group_size or rollout.get("n")
            self.size_measured: int | None = (rollout.get("val_kwargs") or {}).get("n")

        async def run_single(self, data: Any) -> dict[str, Any]:
            """{"reward_score", "reward_extra_info"} of the last sequence. Raises NoVerdict."""
            item = data[-1:][0]
            shared = await components(self.settings)
            rollout = await asyncio.get_running_loop().run_in_executor(None, self._rollout, item)
            sample = sample_of(self.settings, rollout)
            is_measured = rollout.extra.get("split") in MEASURED
            result = await sample_reward(self.settings, sample, size=self.size_measured if is_measured else self.size)
            if result.failed and not is_measured:
                raise NoVerdict(failure_text(result.scored))
            return {"reward_score": result.reward, "reward_extra_info": row(result, shared)}

        def _rollout(self, item: Any) -> Rollout:
            prompt, response = _valid(item)
            fields = item.non_tensor_batch
            uid, raw = fields.get("uid"), fields.get("raw_prompt")
            _, prefix = split_prefill(self.tokenizer.decode(prompt[-_PREFILL:], skip_special_tokens=False))
            return Rollout(
                completion=self._text(response),
                source=fields["data_source"],
                ground_truth=fields["reward_model"]["ground_truth"],
                extra=fields.get("extra_info") or {},
                prompt=self.tokenizer.decode(prompt, skip_special_tokens=True) if raw is None else list(raw),
                prefix=prefix,
                group=None if uid is None else str(uid),
                truncated=None if self.longest is None else len(response) >= self.longest,
                tokens=len(response),
                session=session_of(fields.get("tool_extra_fields") or {}),
            )

        def _text(self, response: Sequence[int]) -> str:
            """Special tokens inside stay, which verl's own managers leave out: some models write <think> as one."""
            ends, last = set(self.tokenizer.all_special_ids), len(response)
            while last and response[last - 1] in ends:
                last -= 1
            text: str = self.tokenizer.decode(response[:last], skip_special_tokens=False)
            return text

    register("touchstone")(TouchstoneRewardManager)
    return TouchstoneRewardManager


def _valid(item: Any) -> tuple[list[int], list[int]]:
    """(prompt, response) as token ids, without padding."""
    prompts, responses, mask = item.batch["prompts"], item.batch["responses"], item.batch["attention_mask"].bool()
    size = prompts.shape[-1]
    return prompts[mask[:size]].tolist(), responses[mask[size:]].tolist()
