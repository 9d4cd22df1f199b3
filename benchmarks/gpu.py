"""The trainer on one GPU, in ten minutes: what it generates, updates and holds in memory, and how well vLLM follows it.

    python benchmarks/gpu.py [MODEL]       # a checkpoint's folder; default: a random decoder of Qwen2.5-0.5B's shape

update      tokens a second and peak memory of one update at 1k, 4k and 16k tokens: bfloat16 over float32 weights
generate    tokens a second of TransformersEngine, and of vLLM where it is installed, beside the bandwidth floor: a decoding
            step reads every weight once
sync        the gap between vLLM and the trainer after each of four optimiser steps, and the seconds that a sync takes
rewards     the share of a rollout that waits for rewards once generation has ended, with a scorer of 50 ms a sample

One line of JSON a figure. What the machine lacks is left out, and named.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, Qwen2Config, Qwen2ForCausalLM

from grpo_trainer.rollout import GenerationEngine, Sampling, sync_guard
from grpo_trainer.rollout.transformers_engine import TransformersEngine
from grpo_trainer.training.logprobs import Forward, Rows
from grpo_trainer.training.precision import take_master_weights

TOKENS = (1_024, 4_096, 16_384)
ROWS, NEW_TOKENS = 64, 256
BUDGET_S = 600.0
GIB = 2**30
# Of a device's memory, bytes a second, by a part of its name.
BANDWIDTH = {"H100": 3.35e12, "H200": 4.8e12, "A100": 2.0e12, "L40": 0.86e12, "4090": 1.0e12}

started = time.monotonic()


def say(name: str, **figures: Any) -> None:
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in figures.items()}
    print(json.dumps({"name": name, **rounded}), flush=True)


def load(path: str | None) -> PreTrainedModel:
    if path is not None:
        return AutoModelForCausalLM.from_pretrained(path, dtype=torch.bfloat16).to("cuda")
    config = Qwen2Config(
        vocab_size=151_936,
        hidden_size=896,
        intermediate_size=4_864,
        num_hidden_layers=24,
        num_attention_heads=14,
        num_key_value_heads=2,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
        eos_token_id=151_645,
    )
    return Qwen2ForCausalLM(config).to("cuda", torch.bfloat16)


@contextmanager
def timed(figures: dict[str, float]) -> Iterator[None]:
    torch.cuda.synchronize()
    start = time.perf_counter()
    yield
    torch.cuda.synchronize()
    figures["seconds"] = time.perf_counter() - start


def update(policy: PreTrainedModel) -> None:
    for tokens in TOKENS:
        rows = Rows([([1, 2, 3], torch.randint(0, 1000, (tokens,)).tolist())], policy.device)
        for recompute in (False, True):
            measure_update(policy, rows, tokens, Forward(torch.bfloat16, recompute))


def measure_update(policy: PreTrainedModel, rows: Rows, tokens: int, forward: Forward) -> None:
    figures: dict[str, float] = {}
    try:
        for _ in range(2):  # the first warms up
            policy.zero_grad(set_to_none=True)
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            with timed(figures):
                (-forward.logprobs(policy, rows)[0].sum()).backward()  # type: ignore[no-untyped-call]
    except torch.OutOfMemoryError:
        say("update", tokens=tokens, recompute=forward.recompute, out_of_memory=True)
        torch.cuda.empty_cache()
        return
    weights = sum(one.numel() * 4 for one in policy.parameters())
    say(
        "update",
        tokens=tokens,
        recompute=forward.recompute,
        tokens_a_second=tokens / figures["seconds"],
        peak_gib_without_gradients=(torch.cuda.max_memory_allocated() - before - weights) / GIB,
        logits_gib=tokens * policy.config.vocab_size * 4 / GIB,
    )


def generate(name: str, engine: GenerationEngine, policy: PreTrainedModel) -> None:
    sampling = Sampling(NEW_TOKENS)
    prompts = [[5 + row, 6, 7, 8] for row in range(ROWS)]
    list(engine.generate(prompts[:2], Sampling(8)))
    figures: dict[str, float] = {}
    with timed(figures):
        tokens = sum(len(one.ids) for one in engine.generate(prompts, sampling))
    per_second = tokens / figures["seconds"]
    bandwidth = next((rate for part, rate in BANDWIDTH.items() if part in torch.cuda.get_device_name()), None)
    floor = {}
    if bandwidth:
        steps = bandwidth / sum(one.numel() * 2 for one in policy.parameters())
        floor = {"share_of_the_bandwidth_floor": per_second / (steps * ROWS)}
    say("generate", engine=name, rows=ROWS, tokens_a_second=per_second, **floor)


def sync(engine: GenerationEngine, policy: PreTrainedModel) -> None:
    forward = Forward(torch.bfloat16)
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-5)

    @torch.no_grad()
    def ours(pairs: Any) -> list[list[float]]:
        rows = Rows(pairs, policy.device)
        return [values.tolist() for values in rows.gather(forward.logprobs(policy, rows)[0])]

    for step in range(4):
        rows = Rows([([1, 2, 3], torch.randint(0, 1000, (512,)).tolist())], policy.device)
        (-forward.logprobs(policy, rows)[0].mean()).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        figures: dict[str, float] = {}
        with timed(figures):
            engine.sync(policy)
        gap = sync_guard.measure(engine, [[5, 6], [7, 8, 9]], Sampling(16, seed=step), ours)
        say("sync", step=step, gap_max=gap.max, gap_mean=gap.mean, seconds=figures["seconds"])


def rewards(policy: PreTrainedModel) -> None:
    """Samples are scored as they finish, by 16 workers; what is exposed is what comes after the last token."""
    from concurrent.futures import ThreadPoolExecutor

    engine = TransformersEngine(policy, [151_645], dtype=torch.bfloat16)
    with ThreadPoolExecutor(16) as workers:
        start = time.perf_counter()
        prompts = [[5 + row, 6] for row in range(ROWS)]
        pending = [workers.submit(time.sleep, 0.05) for _ in engine.generate(prompts, Sampling(NEW_TOKENS))]
        generated = time.perf_counter()
        for one in pending:
            one.result()
    exposed = time.perf_counter() - generated
    say("rewards", exposed_s=exposed, share_of_the_rollout=exposed / (generated - start + exposed))


def vllm_engine(policy: PreTrainedModel) -> GenerationEngine:
    from grpo_trainer.rollout.vllm_engine import VLLMEngine

    memory = Path("/dev/shm")
    folder = memory if memory.is_dir() else Path(tempfile.gettempdir())
    options = {"gpu_memory_utilization": 0.3, "enable_sleep_mode": True}
    return VLLMEngine(policy, [151_645], max_tokens=2_048, dtype=torch.bfloat16, folder=folder, **options)


def attempt(name: str, work: Callable[[], object]) -> None:
    """A part that fails is a line, and the others run."""
    if time.monotonic() - started > BUDGET_S:
        say(name, left_out="the ten minutes are over")
        return
    try:
        work()
    except Exception as error:
        say(name, failed=f"{type(error).__name__}: {error}"[:500])


def main() -> None:
    if not torch.cuda.is_available():
        print("no GPU: torch.cuda.is_available() is false; there is nothing to measure on this machine")
        return
    torch.manual_seed(0)
    say("machine", gpu=torch.cuda.get_device_name(), torch=torch.__version__)
    policy = load(sys.argv[1] if len(sys.argv) > 1 else None).eval()
    take_master_weights(policy, torch.bfloat16)
    attempt("update", lambda: update(policy))
    ours = TransformersEngine(policy, [151_645], dtype=torch.bfloat16)
    attempt("generate", lambda: generate("transformers", ours, policy))
    attempt("rewards", lambda: rewards(policy))
    if importlib.util.find_spec("vllm") is None:
        say("vllm", left_out="vllm is not installed")
        return
    attempt("vllm", lambda: with_vllm(policy))


def with_vllm(policy: PreTrainedModel) -> None:
    engine = vllm_engine(policy)
    attempt("generate", lambda: generate("vllm", engine, policy))
    attempt("sync", lambda: sync(engine, policy))
    before = torch.cuda.mem_get_info()[0]
    engine.release()
    say("sleep", freed_gib=(torch.cuda.mem_get_info()[0] - before) / GIB)


if __name__ == "__main__":
    main()
