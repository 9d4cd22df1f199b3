"""From a registry entry to a model that runs: files, device, dtype, how many tokens go into a batch.

Weights are read from safetensors alone: a pickle may run code. Nothing of a model's own code is executed.
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils.hub import cached_file
from transformers.utils.logging import disable_progress_bar, set_verbosity_error

from preference_model.model import checkpoint, forward, heads
from preference_model.model.encoding import Encoded, Encoder
from preference_model.model.registry import ModelSpec, digest

log = logging.getLogger(__name__)
disable_progress_bar()  # a service's log is JSON lines
set_verbosity_error()

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BUDGETS = (512, 1024, 2048)
GPU_BUDGET = 32_768
PROBE_TOKENS = 64
PROBE_S = 2.0
"""A model whose first small batch takes longer than this is not timed further."""
GAIN = 1.1
"""bfloat16 must be this much faster to be picked, since it is less exact."""
LONGEST = 1 << 20


class CannotLoad(RuntimeError):
    """The model cannot be loaded here; the message names the field of the registry."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that runs. `run` takes windows and gives a logit vector each."""

    encoder: Encoder
    scorer: forward.Scorer
    device: torch.device
    dtype: str
    batch_tokens: int
    label: int
    labels: list[str]
    version: str

    def run(self, items: Sequence[Encoded]) -> list[list[float]]:
        return forward.run(self.scorer, items, self.device)

    @property
    def is_decoder(self) -> bool:
        return bool(getattr(self.scorer, "is_decoder", False))


def load(spec: ModelSpec, threads: int) -> Loaded:
    """Raises CannotLoad, or heads.MissingEncoder for a package that is not installed."""
    torch.set_num_threads(threads)
    try:
        device = _device(spec.device)
        scorer, tokenizer, dtype = _head(spec, device) if spec.head else _classifier(spec, device)
    except heads.MissingEncoder:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise CannotLoad(f"{'head' if spec.head else 'model'}: {_first_line(error)}") from error
    longest = min(spec.max_tokens or LONGEST, scorer.max_tokens)
    answer_only = isinstance(scorer, heads.HeadModel) and scorer.config.features == "answer"
    encoder = Encoder(tokenizer, spec.chat_template, longest, spec.truncation, answer_only=answer_only)
    label = _label(spec, scorer)
    if spec.batch_tokens is not None:
        budget = spec.batch_tokens
    else:
        budget = GPU_BUDGET if device.type == "cuda" else _timed_budget(scorer, device)
    names = getattr(getattr(scorer, "names", None), "id2label", None) or {}
    labels = [names.get(number, f"LABEL_{number}") for number in range(scorer.outputs)]
    return Loaded(encoder, scorer, device, dtype, budget, label, labels, version_of(spec))


def version_of(spec: ModelSpec) -> str:
    """A digest of the entry and of the content of all files that decide a score."""
    folders = [_folder(spec.model or "", spec.revision)]
    if spec.head:
        head = heads.folder_of(spec.head)
        config = heads.HeadConfig.model_validate_json((head / "head.json").read_bytes())
        folders = [head, _folder(heads.encoder_path(config.encoder), None)]
    files = [checkpoint.content_digest(folder) for folder in folders]
    return digest({"spec": spec.model_dump(mode="json"), "files": files})


def _folder(name: str, revision: str | None) -> Path:
    """The folder of a model that was just loaded; a hub id's is its snapshot."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else Path(str(cached_file(name, "config.json", revision=revision))).parent


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:800]


# --- the two kinds ----------------------------------------------------------------------------------------------------


def _head(spec: ModelSpec, device: torch.device) -> tuple[heads.HeadModel, Any, str]:
    folder = heads.folder_of(spec.head or "")
    if problem := checkpoint.folder_problem(str(folder), heads.FILES):
        raise ValueError(problem)
    config, weight, bias = heads.load(folder)
    where = heads.encoder_path(config.encoder)
    encoder = _frozen_encoder(where, device)
    expected = heads.width(config.features, encoder.config.hidden_size)
    if weight.shape != (config.outputs, expected):
        raise ValueError(f"the head's weight is {tuple(weight.shape)}, and its encoder needs (…, {expected})")
    model = heads.HeadModel(encoder, config, weight, bias)
    # A head's own numbers hold in the precision that it was trained in.
    return model, AutoTokenizer.from_pretrained(where), "float32"


@lru_cache(maxsize=8)
def _frozen_encoder(where: str, device: torch.device) -> Any:
    """One encoder for all heads on it."""
    model, info = AutoModel.from_pretrained(where, dtype=torch.float32, use_safetensors=True, output_loading_info=True)
    checkpoint.check_backbone(info)
    return model.to(device)


def _classifier(spec: ModelSpec, device: torch.device) -> tuple[forward.Classifier, Any, str]:
    where = spec.model or ""
    if problem := checkpoint.folder_problem(where, ("config.json",)):
        raise ValueError(problem)
    config = AutoConfig.from_pretrained(where, revision=spec.revision)
    tokenizer = AutoTokenizer.from_pretrained(where, revision=spec.revision)
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError("its tokenizer has no fast version, which is needed to tell text from control tokens")
    limit = getattr(config.get_text_config(), "max_position_embeddings", LONGEST)

    def classifier(dtype: str) -> forward.Classifier:
        kind = DTYPES.get(dtype, torch.float32)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            where, revision=spec.revision, dtype=kind, use_safetensors=True, output_loading_info=True
        )
        checkpoint.check_classifier(info)
        if dtype == "int8":
            model = _int8(model)
        return forward.Classifier(model.to(device), min(int(limit), int(tokenizer.model_max_length)))

    dtype = _dtype(spec.dtype, device)
    model = classifier(dtype if dtype != "auto" else "float32")
    if dtype == "auto":
        model, dtype = _timed_dtype(model, lambda: classifier("bfloat16"), device)
    return model, tokenizer, dtype


def _int8(model: Any) -> Any:
    """Weights of the linear layers in int8, activations by batch: opt-in, and it flips some orders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize: Any = torch.ao.quantization.quantize_dynamic
        return quantize(model, {torch.nn.Linear}, dtype=torch.qint8)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError("device: there is no CUDA here, or this is the CPU build of PyTorch")
    return torch.device(name)


def _dtype(name: str, device: torch.device) -> str:
    if name == "auto":
        return "bfloat16" if device.type == "cuda" else "auto"
    if name == "int8" and device.type != "cpu":
        raise ValueError("dtype: int8 is for CPUs")
    if name == "float16" and device.type == "cpu":
        raise ValueError("dtype: float16 is for GPUs; a CPU takes float32 or bfloat16")
    return name


def _label(spec: ModelSpec, scorer: forward.Scorer) -> int:
    """Which output is the score. Raises CannotLoad."""
    if spec.label is None:
        if scorer.outputs == 1:
            return 0
        raise CannotLoad(f"label: the model has {scorer.outputs} outputs; say which one is the score")
    names: dict[str, int] = getattr(getattr(scorer, "names", None), "label2id", None) or {}
    number = names.get(spec.label, -1) if isinstance(spec.label, str) else spec.label
    if not 0 <= number < scorer.outputs:
        raise CannotLoad(f"label: no output is {spec.label!r}; there are {sorted(names) or scorer.outputs}")
    return number


# --- timings at start -------------------------------------------------------------------------------------------------


def _seconds(scorer: forward.Scorer, device: torch.device, texts: int, tokens: int) -> float:
    """Seconds for one batch of texts of that length; the better of two."""
    item = Encoded((3,) * tokens, (1,) * tokens, 0)
    best = float("inf")
    for _ in range(2):
        begun = time.perf_counter()
        forward.run(scorer, [item] * texts, device)
        best = min(best, time.perf_counter() - begun)
        if best > PROBE_S:
            break
    return best


def _timed_budget(scorer: forward.Scorer, device: torch.device) -> int:
    """The budget at which a token is cheapest on this machine."""
    length = min(PROBE_TOKENS, scorer.max_tokens)
    if _seconds(scorer, device, 1, length) > PROBE_S / 8:
        return BUDGETS[0]
    cost = {budget: _seconds(scorer, device, budget // length, length) / budget for budget in BUDGETS}
    return min(cost, key=cost.__getitem__)


def _timed_dtype(model: forward.Classifier, other: Any, device: torch.device) -> tuple[forward.Classifier, str]:
    """float32, or bfloat16 where this CPU has it and is faster with it."""
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return model, "float32"
    length = min(PROBE_TOKENS, model.max_tokens)
    seconds = _seconds(model, device, 4, length)
    if seconds > PROBE_S:
        return model, "float32"
    rival = other()
    if seconds > GAIN * _seconds(rival, device, 4, length):
        return rival, "bfloat16"
    return model, "float32"
