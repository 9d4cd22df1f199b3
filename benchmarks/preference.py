"""The preference engine beside plain transformers loops on the same model and texts, in one interleaved run.

    TOUCHSTONE_DATA=… python benchmarks/preference.py           # a 22M encoder on one thread
    python benchmarks/preference.py --gpu                       # random weights of a 0.6B and an 8B classifier, on CUDA

Texts are PandaLM's prompts and answers. Every figure is the best of ROUNDS, the ways taken in turn within each round so that
the machine's moods fall on all alike. A ratio is to the first line of its table; above 1 is faster.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import torch
import yaml
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Qwen3Config, Qwen3ForSequenceClassification

from preference_model.backend import PreferenceBackend
from preference_model.model import forward, heads
from preference_model.model.encoding import Encoded
from preference_model.settings import PreferenceSettings
from reward_verifiers.contract import VerifyRequest

TEXTS, ROUNDS, BATCH = 512, 2, 32
NAIVE, LOOP = "naive: arrival order, padded batches of 32", "one by one"
Way = Callable[[], Awaitable[list[float]]]


def texts() -> list[tuple[str, str]]:
    folder = os.environ.get("TOUCHSTONE_DATA")
    if not folder:
        raise SystemExit("TOUCHSTONE_DATA must name a folder with pandalm_testset.json")
    rows = json.loads((Path(folder) / "pandalm_testset.json").read_text())
    pairs = [
        (f"{row['instruction']}\n\n{row['input']}".strip(), row[name])
        for row in rows
        for name in ("response1", "response2")
        if isinstance(row[name], str) and row[name].strip()
    ]
    random.Random(0).shuffle(pairs)
    return pairs[:TEXTS]


def classifier(folder: Path) -> Path:
    """MiniLM with a random head, as any sequence classification model."""
    where = heads.encoder_path("all-MiniLM-L6-v2")
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_pretrained(where, num_labels=1).save_pretrained(folder)
    AutoTokenizer.from_pretrained(where).save_pretrained(folder)
    return folder


class Plain:
    """What one writes first: tokenizer with padding, model, logits."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def way(self, items: list[tuple[str, str]], batch: int) -> Way:
        async def once() -> list[float]:
            scores: list[float] = []
            for start in range(0, len(items), batch):
                prompts, answers = zip(*items[start : start + batch], strict=True)
                padded = self._tokenizer(
                    list(prompts), list(answers), padding=True, truncation=True, max_length=512, return_tensors="pt"
                )
                with torch.inference_mode():
                    scores += self._model(**padded).logits[:, 0].tolist()
            return scores

        return once


def bulk(backend: PreferenceBackend, items: list[tuple[str, str]], model: str) -> Way:
    """One call with everything, each text with a prompt of its own."""
    from preference_model.outcome import ScoreItem

    async def once() -> list[float]:
        _, spec = backend.engine.spec(model)
        scored = await backend.engine.score(spec, [ScoreItem(prompt, text) for prompt, text in items])
        return [one.value for one in scored if one.value is not None]

    return once


def singles(backend: PreferenceBackend, items: list[tuple[str, str]], model: str) -> Way:
    """As trainers send them: one sample a request, all at once."""

    async def one(prompt: str, text: str) -> float:
        request = VerifyRequest(prompt=prompt, completions=[text], options={"model": model})
        [verdict] = (await backend.verify(request)).verdicts
        if verdict.score is None:
            raise RuntimeError(verdict.reason)
        return verdict.score

    async def once() -> list[float]:
        return list(await asyncio.gather(*(one(*item) for item in items)))

    return once


def with_threads(backend: PreferenceBackend, count: int, way: Way) -> Way:
    """A number of threads is a setting of the thread that runs the model."""

    async def once() -> list[float]:
        backend.engine._threads.running.submit(torch.set_num_threads, count).result()
        return await way()

    return once


async def interleaved(ways: dict[str, Way], rounds: int = ROUNDS) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Seconds (best) and scores of each way."""
    scores: dict[str, list[float]] = {}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            begun = time.perf_counter()
            scores[name] = await way()
            best[name] = min(best[name], time.perf_counter() - begun)
    return best, scores


def flips(exact: list[float], other: list[float]) -> float:
    """The share of pairs of texts whose order differs."""
    chance = random.Random(0)
    pairs = [chance.sample(range(len(exact)), 2) for _ in range(20_000)]
    return sum((exact[a] > exact[b]) != (other[a] > other[b]) for a, b in pairs) / len(pairs)


def show(title: str, seconds: dict[str, float], scores: dict[str, list[float]], base: str, exact: str) -> None:
    print(f"\n| {title} | s | texts/s | ratio | orders flipped |\n|---|---|---|---|---|")
    for name, took in seconds.items():
        turned, count = flips(scores[exact], scores[name]), len(scores[name])
        print(f"| {name} | {took:.2f} | {count / took:.0f} | {seconds[base] / took:.2f} | {turned:.2%} |")


async def cpu() -> None:
    torch.set_num_threads(1)
    print(
        f"{platform.processor() or platform.machine()}, torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    )
    items = texts()
    with tempfile.TemporaryDirectory() as scratch:
        folder = classifier(Path(scratch) / "model")
        entry = {"model": str(folder), "guard": False, "truncation": "right"}
        models = {dtype: {**entry, "dtype": dtype} for dtype in ("float32", "bfloat16", "int8")}
        registry = Path(scratch) / "preference.yaml"
        registry.write_text(yaml.safe_dump({"models": models}))
        backend = PreferenceBackend(PreferenceSettings(registry=registry))
        print(await backend.engine.load_all())
        plain = Plain(folder)
        ways = {
            NAIVE: plain.way(items, BATCH),
            LOOP: plain.way(items, 1),
            "engine, float32": bulk(backend, items, "float32"),
            "engine, bfloat16": bulk(backend, items, "bfloat16"),
            "engine, int8": bulk(backend, items, "int8"),
        }
        seconds, scores = await interleaved(ways)
        show(f"one thread, {len(items)} texts", seconds, scores, NAIVE, LOOP)
        loop = seconds[LOOP]
        print("\nto the one-by-one loop: " + ", ".join(f"{name} {loop / took:.2f}" for name, took in seconds.items()))
        worst = max(abs(a - b) for a, b in zip(scores[LOOP], scores["engine, float32"], strict=True))
        print(f"largest difference of float32 to the loop: {worst:.1e}")
        ways = {
            "one bulk call": bulk(backend, items, "float32"),
            "512 concurrent requests": singles(backend, items, "float32"),
        }
        seconds, scores = await interleaved(ways)
        show("concurrent requests", seconds, scores, "one bulk call", "one bulk call")
        way = bulk(backend, items, "float32")
        threads, _ = await interleaved({count: with_threads(backend, int(count), way) for count in "12"})
        print(f"\ntwo threads to one: {threads['1'] / threads['2']:.2f}")
        await backend.aclose()
    await shared_prompts()


async def shared_prompts() -> None:
    """A group of 16 on one prompt of 400 tokens, with and without running the prompt once; a small random decoder."""
    config = Qwen3Config(
        vocab_size=1000, hidden_size=256, intermediate_size=768, num_hidden_layers=6, num_attention_heads=8, head_dim=32,
        num_key_value_heads=4, num_labels=1, pad_token_id=0,
    )  # fmt: skip
    scorer = forward.Classifier(Qwen3ForSequenceClassification(config), 4096)
    chance = random.Random(0)
    prompt = tuple(chance.randrange(5, 1000) for _ in range(400))
    group = [prompt + tuple(chance.randrange(5, 1000) for _ in range(chance.randint(40, 120))) for _ in range(16)]

    def way(shared: int) -> Way:
        items = [Encoded(ids, (0,) * len(ids), shared) for ids in group]

        async def once() -> list[float]:
            return [row[0] for row in forward.run(scorer, items, torch.device("cpu"))]

        return once

    seconds, scores = await interleaved({"each alone with its prompt": way(0), "the prompt once": way(400)})
    worst = max(abs(a - b) for a, b in zip(*scores.values(), strict=True))
    gain = seconds["each alone with its prompt"] / seconds["the prompt once"]
    print(f"\na group's prompt run once: {gain:.2f} times as fast; largest difference {worst:.1e}")


SIZES = {
    "0.6B": {"hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16},
    "8B": {"hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32},
}


async def gpu() -> None:
    """Tokens a second beside a plain loop and the floor of reading the weights once a batch."""
    if not torch.cuda.is_available():
        raise SystemExit("no CUDA here: the GPU part was not run")
    device = torch.device("cuda")
    print(torch.cuda.get_device_name(), torch.__version__)
    bandwidth = _bandwidth(device)
    chance = random.Random(0)
    for name, size in SIZES.items():
        config = Qwen3Config(
            vocab_size=151_936, num_key_value_heads=8, head_dim=128, num_labels=1, pad_token_id=0, **size
        )
        with torch.device(device):
            model = Qwen3ForSequenceClassification(config).to(torch.bfloat16)
        scorer = forward.Classifier(model, 8192)
        items = [tuple(chance.randrange(5, 150_000) for _ in range(chance.randint(100, 1500))) for _ in range(256)]
        tokens = sum(map(len, items))
        encoded = sorted((Encoded(ids, (0,) * len(ids), 0) for ids in items), key=lambda one: len(one.ids))
        batches: list[list[Encoded]] = [[]]
        for one in encoded:
            if batches[-1] and len(one.ids) * (len(batches[-1]) + 1) > 32_768:
                batches.append([])
            batches[-1].append(one)

        async def ours(scorer: forward.Classifier = scorer, batches: list[list[Encoded]] = batches) -> list[float]:
            return [row[0] for batch in batches for row in forward.run(scorer, batch, device)]

        async def plain(
            model: Qwen3ForSequenceClassification = model, items: list[tuple[int, ...]] = items
        ) -> list[float]:
            with torch.inference_mode():
                return [model(torch.tensor([ids], device=device)).logits[0, 0].item() for ids in items]

        seconds, _ = await interleaved({"plain": plain, "ours": ours})
        weights = sum(parameter.numel() for parameter in model.parameters()) * 2
        floor = weights / bandwidth * len(batches)
        rates = " | ".join(f"{way} {tokens / took:.0f} tokens/s" for way, took in seconds.items())
        gain, share = seconds["plain"] / seconds["ours"], floor / seconds["ours"]
        print(f"| {name} | {rates} | ratio {gain:.2f} | {share:.2%} of the time would read the weights |")
        del model, scorer
        torch.cuda.empty_cache()


def _bandwidth(device: torch.device) -> float:
    """Bytes a second that a large copy reads and writes."""
    source = torch.empty(1 << 30, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = float("inf")
    for _ in range(5):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        target.copy_(source)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begun)
    return 2 * source.numel() / best


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gpu", action="store_true")
    asyncio.run(gpu() if parser.parse_args().gpu else cpu())
