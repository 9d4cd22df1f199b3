"""What the model computes: the same score alone and in any batch, on either side of the padding, by any path."""

import pytest
import tiny
import torch

from preference_model.model import forward, loading
from preference_model.model.encoding import Encoded, turns
from preference_model.model.forward import Batch
from preference_model.model.registry import ModelSpec

TEXTS = [
    "Four.",
    "It is four, since two and two are four. " * 3,
    "Air scatters blue light more than red light, so the sky is blue.",
    "no",
]
CPU = torch.device("cpu")


def loaded(path, **more):
    return loading.load(ModelSpec(model=str(path), floor=-100, dtype="float32", batch_tokens=512, **more), threads=1)


def windows(model, prompt="Why is the sky blue? Say it to a child in a few words, please, and be brief."):
    return [model.encoder.encode(turns(prompt, text)).windows[0] for text in TEXTS]


@pytest.mark.parametrize("kind", [*tiny.DECODERS, "bert"])
def test_a_batch_scores_as_each_text_alone(models, kind):
    model = loaded(models[kind])
    items = windows(model)
    alone = [model.run([item])[0][0] for item in items]
    together = [row[0] for row in model.run(items)]
    assert len({round(score, 3) for score in alone}) == len(alone)
    assert together == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("kind", tiny.DECODERS)
def test_left_padding_scores_as_right_padding(models, kind):
    model = loaded(models[kind])
    with torch.inference_mode():
        left, right = (model.scorer.logits(Batch(windows(model), CPU, side=side)) for side in ("left", "right"))
    assert left.squeeze().tolist() == pytest.approx(right.squeeze().tolist(), abs=1e-5)


@pytest.mark.parametrize("kind", tiny.DECODERS)
def test_a_prompt_run_once_for_all_gives_the_same_scores(models, kind, monkeypatch):
    model = loaded(models[kind])
    items = windows(model)
    assert items[0].shared >= forward.MIN_SHARED
    calls = []
    shared = model.scorer.shared
    monkeypatch.setattr(model.scorer, "shared", lambda *given: calls.append(1) or shared(*given))
    once = [row[0] for row in model.run(items)]
    assert calls == [1]
    monkeypatch.setattr(forward, "MIN_SHARED", 10_000)
    assert once == pytest.approx([row[0] for row in model.run(items)], abs=1e-5)


def test_the_score_is_read_at_the_end_even_when_the_text_ends_with_the_pad_token(models):
    """transformers' own head looks for the last token that is not the pad token, and reads the one before."""
    model = loaded(models["llama"])
    ids = windows(model)[0].ids
    padded = Encoded((*ids, 0), (*windows(model)[0].types, 1), 0)
    with torch.inference_mode():
        hidden = model.scorer._model.base_model(torch.tensor([padded.ids])).last_hidden_state
        expected = model.scorer._model.score(hidden)[0, -1].tolist()
    assert model.run([padded])[0] == pytest.approx(expected, abs=1e-5)
    assert model.run([padded, windows(model)[1]])[0] == pytest.approx(expected, abs=1e-5)


def test_it_is_the_model_that_transformers_runs(models):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = loaded(models["llama"])
    theirs = AutoModelForSequenceClassification.from_pretrained(models["llama"]).eval()
    tokenizer = AutoTokenizer.from_pretrained(models["llama"])
    chat = [{"role": "user", "content": "2+2?"}, {"role": "assistant", "content": "Four."}]
    ids = tokenizer(tokenizer.apply_chat_template(chat, tokenize=False), add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        expected = theirs(torch.tensor([ids])).logits[0, 0].item()
    window = model.encoder.encode(turns("2+2?", "Four.")).windows[0]
    assert list(window.ids) == ids
    assert model.run([window])[0][0] == pytest.approx(expected, abs=1e-5)


def test_bfloat16_and_int8_stay_near(models):
    exact = loaded(models["llama"])
    items = windows(exact)
    for dtype, near in (("bfloat16", 0.3), ("int8", 0.6)):
        model = loading.load(ModelSpec(model=str(models["llama"]), floor=-9, dtype=dtype, batch_tokens=512), threads=1)
        assert model.dtype == dtype
        rows = model.run(items)
        assert [row[0] for row in rows] != [row[0] for row in exact.run(items)]
        assert [row[0] for row in rows] == pytest.approx([row[0] for row in exact.run(items)], abs=near)


def test_the_budget_is_timed_at_start_where_none_is_given(models):
    model = loading.load(ModelSpec(model=str(models["bert"]), floor=-9), threads=1)
    assert model.batch_tokens in loading.BUDGETS
    assert model.dtype in ("float32", "bfloat16")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"model": "/nowhere"}, "model: "),
        ({"device": "cuda"}, "device: there is no CUDA here"),
        ({"dtype": "float16"}, "dtype: float16 is for GPUs"),
        ({"label": 7}, "label: no output is 7"),
        ({"label": "helpful"}, "label: no output is 'helpful'"),
    ],
)
def test_what_cannot_be_loaded_names_its_field(models, entry, message):
    if "device" in entry and torch.cuda.is_available():
        pytest.skip("CUDA is here")
    spec = ModelSpec(**({"model": str(models["bert"]), "floor": -9, "batch_tokens": 64} | entry))
    with pytest.raises(loading.CannotLoad, match=message):
        loading.load(spec, threads=1)


def test_several_outputs_need_a_label(models):
    with pytest.raises(loading.CannotLoad, match="label: the model has 3 outputs"):
        loaded(models["three"])
    assert loaded(models["three"], label="LABEL_2").label == 2


def test_a_model_without_a_trained_head_is_no_reward_model(models, tmp_path):
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    path = tmp_path / "plain"
    LlamaForCausalLM(LlamaConfig(vocab_size=400, **tiny.SIZE)).save_pretrained(path)
    AutoTokenizer.from_pretrained(models["llama"]).save_pretrained(path)
    with pytest.raises(loading.CannotLoad, match="no trained head"):
        loaded(path)
