"""Checkpoints that do not fit are refused, and say which keys; those that fit are served, whatever their family."""

import json
import shutil

import pytest
import tiny
import torch
import transformers
from safetensors.torch import load_file, save_file

from preference_model.model import loading
from preference_model.model.registry import ModelSpec

SIZE = tiny.SIZE
GPT = {"n_embd": 32, "n_layer": 2, "n_head": 4}
MOE = {"num_experts": 2, "num_local_experts": 2, "num_experts_per_tok": 1}
# Families of docs/preference.md: what a small one is made of.
FAMILIES = {
    "Llama": SIZE | {"num_key_value_heads": 2},
    "Mistral": SIZE | {"num_key_value_heads": 2},
    "Qwen2": SIZE | {"num_key_value_heads": 2},
    "Qwen3": SIZE | {"num_key_value_heads": 2, "head_dim": 8},
    "Gemma": SIZE | {"num_key_value_heads": 2, "head_dim": 8},
    "Gemma2": SIZE | {"num_key_value_heads": 2, "head_dim": 8},
    "Phi3": SIZE | {"num_key_value_heads": 2, "pad_token_id": 0},
    "Mixtral": SIZE | {"num_key_value_heads": 2} | MOE,
    "GPT2": GPT,
    "GPTNeoX": SIZE,
    "Bert": SIZE,
    "Roberta": SIZE,
    "XLMRoberta": SIZE,
    "Electra": SIZE | {"embedding_size": 32},
    "DebertaV2": SIZE,
    "Deberta": SIZE,
    "DistilBert": {"dim": 32, "hidden_dim": 48, "n_layers": 2, "n_heads": 4},
    "Albert": SIZE | {"embedding_size": 16},
    "ModernBert": SIZE
    | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2},
}


def load(folder, **more):
    return loading.load(ModelSpec(model=str(folder), floor=-9, dtype="float32", batch_tokens=64, **more), threads=1)


def small(family, folder, **more):
    config = getattr(transformers, f"{family}Config")(vocab_size=420, max_position_embeddings=128, num_labels=1, **more)
    torch.manual_seed(0)
    getattr(transformers, f"{family}ForSequenceClassification")(config).save_pretrained(folder)
    tiny.byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_that_fits_is_served(family, tmp_path):
    assert load(small(family, tmp_path, **FAMILIES[family])).label == 0


@pytest.fixture
def changed(models, tmp_path):
    """`changed(kind, change)`: a copy of that model with its tensors changed."""

    def make(kind, change):
        folder = tmp_path / "changed"
        shutil.copytree(models[kind], folder)
        tensors = load_file(folder / "model.safetensors")
        save_file(change(tensors), folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return make


def renamed(old, new):
    return lambda tensors: {key.replace(old, new, 1) if key.startswith(old) else key: t for key, t in tensors.items()}


def without(part):
    return lambda tensors: {key: tensor for key, tensor in tensors.items() if part not in key}


def with_more(*keys):
    return lambda tensors: tensors | {key: torch.zeros(2, 32) for key in keys}


@pytest.mark.parametrize(
    ("kind", "change", "names"),
    [
        (
            "llama",
            renamed("model.", "transformer."),
            ["missing: model.embed_tokens.weight", "transformer.embed_tokens"],
        ),
        ("llama", renamed("model.", "backbone.model."), ["missing: model.embed_tokens", "backbone.model."]),
        ("qwen2", without("layers.1."), ["missing: model.layers.1."]),
        ("llama", without("embed_tokens"), ["missing: model.embed_tokens.weight"]),
        ("llama", without("model.norm"), ["missing: model.norm.weight"]),
        ("bert", without("pooler"), ["bert.pooler.dense"]),
        ("bert", without("classifier.bias"), ["classifier.bias"]),
        ("llama", with_more("gating.layers.0.weight", "gating.layers.0.bias"), ["not of this model: gating.layers.0"]),
        ("llama", with_more("regression_layer.weight"), ["not of this model: regression_layer.weight"]),
        ("llama", with_more("score.bias"), ["not of this model: score.bias"]),
        ("llama", with_more("model.layers.2.mlp.up_proj.weight"), ["not of this model: model.layers.2.mlp"]),
        (
            "mistral",
            with_more("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"),
            ["lora_A", "not merged", "merge_and_unload"],
        ),
        ("llama", renamed("score.", "v_head."), ["score.weight", "not of this model: v_head.weight"]),
    ],
)
def test_a_checkpoint_that_does_not_fit_names_its_keys(changed, kind, change, names):
    with pytest.raises(loading.CannotLoad) as caught:
        load(changed(kind, change))
    assert all(name in str(caught.value) for name in names), caught.value


@pytest.mark.parametrize(
    "key", ["model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq", "lm_head.weight"]
)
def test_what_is_computed_today_or_belongs_to_the_language_model_may_stay(changed, models, key):
    load(changed("llama", with_more(key)))


def test_an_adapter_that_is_not_merged_is_refused_by_name(models, tmp_path):
    folder = tmp_path / "adapter"
    shutil.copytree(models["llama"], folder)
    (folder / "model.safetensors").unlink()
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    with pytest.raises(loading.CannotLoad, match=r"PEFT adapter: merge it"):
        load(folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [("/nowhere/model", "there is no folder /nowhere/model"), ("./models/rm", "there is no folder ./models/rm")],
)
def test_a_folder_that_is_not_there_is_said(name, message):
    with pytest.raises(loading.CannotLoad, match=message):
        load(name)


def test_a_folder_without_a_configuration_is_said(tmp_path):
    with pytest.raises(loading.CannotLoad, match=r"has no config.json"):
        load(tmp_path)


def test_the_version_is_of_the_content(changed, models):
    """One number in the middle of a file that is larger than what stands at its ends."""
    big = 3_000_000

    def change(value):
        def put(tensors):
            weight = torch.zeros(big)
            weight[big // 2] = value
            return tensors | {"lm_head.weight": weight}

        return put

    folder = changed("llama", change(0.0))
    before = load(folder).version
    assert load(folder).version == before
    tensors = load_file(folder / "model.safetensors")
    save_file(change(1.0)(tensors), folder / "model.safetensors", metadata={"format": "pt"})
    assert load(folder).version != before


def test_training_refuses_a_backbone_that_does_not_fit(changed):
    from preference_model.train import training
    from preference_model.train.config import TrainConfig

    folder = changed("llama", renamed("model.", "transformer."))
    with pytest.raises(ValueError, match=r"missing: model.embed_tokens"):
        training.prepare(TrainConfig(backbone=str(folder), frozen=False), [("a", "b")], lambda _: None)
