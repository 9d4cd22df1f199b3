"""Whether a checkpoint is really the model: every weight is in the files, and every weight of the files is in the model.

transformers fills what is missing with random numbers and leaves out what it has no place for, with a warning at most.
Here either is a refusal that names the keys.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ADAPTER = "adapter_config.json"
NAMED = 4
"""Keys that a message names; the rest are counted."""

# Buffers of older versions that are computed today, and the head of the language model that a reward model was made from.
_UNUSED = re.compile(
    r"(?:rotary_emb\.inv_freq|position_ids|attn\.masked_bias|attn\.bias|attention\.bias|masked_bias)$|^lm_head\.weight$"
)
_HEAD = re.compile(
    r"^(?:score|classifier|classification_head|pooler\.dense|sequence_summary|summary|logits_proj|vision_score)\b"
)
_POOLER = re.compile(r"(?:^|\.)pooler\.")
_LM_HEAD = re.compile(
    r"^(?:cls\.|lm_head\.|generator_predictions\.|discriminator_predictions\.|predictions\.|vocab_\w+\.|head\.|decoder\.)"
)


class Misfit(ValueError):
    """The files are not this model's; the message names what is missing and what is left over."""


def check_classifier(info: dict[str, Any]) -> None:
    """A sequence classification model that scores as it was trained. Raises Misfit."""
    missing = list(info["missing_keys"])
    heads = [key for key in missing if _HEAD.search(key)]
    unexpected = [key for key in info["unexpected_keys"] if not _UNUSED.search(key)]
    if heads and not unexpected:
        raise Misfit(f"the files hold no trained head ({_some(heads)} is missing): this is no reward model")
    _refuse(missing, unexpected)


def check_backbone(info: dict[str, Any]) -> None:
    """A model that gets a new head: its head and pooler may be missing, a language model's head may be left over."""
    missing = [key for key in info["missing_keys"] if not (_HEAD.search(key) or _POOLER.search(key))]
    extra = (_UNUSED, _LM_HEAD, _POOLER, _HEAD)
    _refuse(missing, [key for key in info["unexpected_keys"] if not any(one.search(key) for one in extra)])


def _refuse(missing: Iterable[str], unexpected: Iterable[str]) -> None:
    missing, unexpected = sorted(missing), sorted(unexpected)
    parts = [f"missing: {_some(missing)}"] if missing else []
    parts += [f"not of this model: {_some(unexpected)}"] if unexpected else []
    if any("lora_" in key for key in unexpected):
        parts.append("the files hold an adapter that is not merged: merge it first (peft: merge_and_unload)")
    if parts:
        raise Misfit(f"the weights do not fit the architecture; {'; '.join(parts)}")


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(sorted(keys)[:NAMED]) + more


# --- the folder -------------------------------------------------------------------------------------------------------


def folder_problem(name: str, needed: Iterable[str]) -> str | None:
    """Why a model's folder cannot be served, as far as a look shows; None for a hub id, or for a folder that is whole."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if (folder / ADAPTER).is_file():
            return f"{name} holds a PEFT adapter: merge it with its base model first (peft: merge_and_unload)"
        missing = [file for file in needed if not (folder / file).is_file()]
        return f"{name} has no {missing[0]}" if missing else None
    is_path = name.startswith(("/", "./", "../", "~")) or name.count("/") > 1 or "\\" in name
    return f"there is no folder {name}" if is_path else None


def content_digest(folder: Path) -> dict[str, str]:
    """File → sha256 of all of its content, for what decides a score: weights, configuration, tokenizer, template."""
    kinds = {".json", ".safetensors", ".jinja", ".txt", ".model"}
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.suffix in kinds)
    return {file.name: _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
