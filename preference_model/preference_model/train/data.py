"""Preference data: pairs of answers, and single texts with a label. From JSON or JSON lines, plain or gzipped.

    own          {"prompt", "chosen", "rejected"[, "chosen_by", "rejected_by"]}
                 {"prompt", "text", "label": 0 or 1[, "reference", "by"]}
    unjudged     {"prompt", "a", "b"}                     for a judge to say which is preferred
    hh-rlhf      {"chosen", "rejected"}                   whole conversations, split before the last answer
    PandaLM      {"instruction", "input", "response1", …} three annotators; kept where two agree
    LLMBar       {"input", "output_1", "output_2", "label"}
    GSM8K        {"question", "ground_truth", "6b_finetuning": {"solution", "is_correct"}, …}    a text a system
    moderation   {"prompt", "S": 0, "H": 1, …}            a text, unsafe when any category is 1

Which shape a file has is seen from its first record. A prompt's part (train, validation, held-out) is a hash
of the prompt: the same in every run and on every machine.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Split = Literal["train", "validation", "held-out", "all"]
TENTHS: dict[Split, frozenset[int]] = {
    "held-out": frozenset({0, 1}),
    "validation": frozenset({2}),
    "train": frozenset(range(3, 10)),
}
"""Which tenths of all prompts are a part: validation stops a training, and the held-out part is seen by none."""
_TURN = re.compile(r"\n\n(?:Human|Assistant): ?")
_CATEGORIES = {"S", "H", "V", "HR", "SH", "S3", "H2", "V2"}


class BadData(ValueError):
    """The file cannot be used; the message names the line and the field."""


@dataclass(frozen=True, slots=True)
class PreferencePair:
    prompt: str
    chosen: str
    rejected: str
    chosen_by: str = ""
    rejected_by: str = ""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text, and whether it is good (1: safe, correct) or not (0). `reference`: what a judge compares it with."""

    prompt: str
    text: str
    label: int
    reference: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class UnlabelledPair:
    prompt: str
    a: str
    b: str


Record = PreferencePair | LabelledText | UnlabelledPair


def read(paths: Sequence[Path]) -> list[Record]:
    """Every record of the files. Raises BadData."""
    return [record for path in paths for record in _read_one(path)]


def split(records: Sequence[Record], part: Split, systems: frozenset[str] = frozenset()) -> list[Record]:
    """The records of a part. With held-out systems, training has no pair of theirs, and the held-out part only such."""
    if part == "all":
        return list(records)
    chosen_records = [record for record in records if _tenth(record) in TENTHS[part]]
    if systems:
        chosen_records = [
            record for record in chosen_records if bool(_writers(record) & systems) == (part == "held-out")
        ]
    return chosen_records


def _writers(record: Record) -> set[str]:
    if isinstance(record, PreferencePair):
        return {record.chosen_by, record.rejected_by}
    return {record.by} if isinstance(record, LabelledText) else set()


def _tenth(record: Record) -> int:
    """By the prompt; by the text where there is no prompt."""
    key = record.prompt or (record.text if isinstance(record, LabelledText) else "")
    return int.from_bytes(hashlib.sha256(key.encode("utf-8", "replace")).digest()[:4], "big") % 10


def _read_one(path: Path) -> Iterable[Record]:
    rows = _rows(path)
    if not rows:
        raise BadData(f"{path.name}: no record")
    shape = _shape(rows[0])
    if shape is None:
        raise BadData(f"{path.name}: no known shape; the first record has {', '.join(sorted(rows[0])[:12])}")
    for number, row in enumerate(rows, 1):
        try:
            yield from shape(row)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise BadData(f"{path.name}: record {number}: {type(error).__name__} {error}") from None


def _rows(path: Path) -> list[dict[str, Any]]:
    raw = path.read_bytes()
    try:
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
        rows = (
            json.loads(text)
            if text.lstrip().startswith("[")
            else [json.loads(line) for line in text.split("\n") if line.strip()]
        )
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadData(f"{path.name}: neither JSON nor JSON lines ({type(error).__name__})") from None
    if not all(isinstance(row, dict) for row in rows):
        raise BadData(f"{path.name}: every record must be an object")
    return rows


Shape = Callable[[dict[str, Any]], list[Record]]


def _shape(row: dict[str, Any]) -> Shape | None:
    keys = set(row)
    shapes: list[tuple[set[str], Shape]] = [
        ({"prompt", "chosen", "rejected"}, _own_pair),
        ({"prompt", "text", "label"}, _own_point),
        ({"prompt", "a", "b"}, lambda row: [UnlabelledPair(*_texts(row, "prompt", "a", "b"))]),
        ({"chosen", "rejected"}, _hh),
        ({"question", "ground_truth"}, _solutions),
        ({"instruction", "response1", "response2", "annotator1"}, _pandalm),
        ({"input", "output_1", "output_2", "label"}, _llmbar),
    ]
    reader = next((read for needed, read in shapes if needed <= keys), None)
    return reader or (_moderation if "prompt" in keys and keys & _CATEGORIES else None)


def _texts(row: dict[str, Any], *names: str) -> tuple[str, ...]:
    for name in names:
        if not isinstance(row[name], str):
            raise TypeError(f"{name} must be a string")
    return tuple(row[name] for name in names)


def _own_pair(row: dict[str, Any]) -> list[Record]:
    prompt, chosen, rejected = _texts(row, "prompt", "chosen", "rejected")
    return [
        PreferencePair(prompt, chosen, rejected, str(row.get("chosen_by") or ""), str(row.get("rejected_by") or ""))
    ]


def _own_point(row: dict[str, Any]) -> list[Record]:
    if row["label"] not in (0, 1):
        raise ValueError("label must be 0 or 1")
    prompt, text = _texts(row, "prompt", "text")
    reference = row.get("reference")
    if not isinstance(reference, str | int | float | None):
        raise TypeError("reference must be a string or a number")
    reference_text = "" if reference is None else str(reference)
    return [LabelledText(prompt, text, int(row["label"]), reference_text, str(row.get("by") or ""))]


def _hh(row: dict[str, Any]) -> list[Record]:
    """The conversation before the last answer, and the two last answers; none where they begin differently."""
    chosen, rejected = _texts(row, "chosen", "rejected")
    before, mark, answer = chosen.rpartition("\n\nAssistant:")
    other_before, _, other = rejected.rpartition("\n\nAssistant:")
    if not mark or before != other_before or answer.strip() == other.strip():
        return []
    return [PreferencePair(_TURN.sub("\n", before).strip(), answer.strip(), other.strip())]


def _pandalm(row: dict[str, Any]) -> list[Record]:
    """None for a tie, for annotators that do not agree, and where there is no text."""
    [(vote, count)] = Counter(str(row[f"annotator{number}"]) for number in (1, 2, 3)).most_common(1)
    one, other = row["response1"], row["response2"]
    if count < 2 or vote not in ("1", "2") or not isinstance(one, str) or not isinstance(other, str):
        return []
    prompt = "\n\n".join(part for part in (row["instruction"], row["input"]) if part)
    writers = str(row.get("cmp_key", "_")).split("_")
    first, second = (writers[0], writers[-1])
    return [
        PreferencePair(prompt, one, other, first, second)
        if vote == "1"
        else PreferencePair(prompt, other, one, second, first)
    ]


def _llmbar(row: dict[str, Any]) -> list[Record]:
    prompt, one, other = _texts(row, "input", "output_1", "output_2")
    return [PreferencePair(prompt, one, other) if str(row["label"]) == "1" else PreferencePair(prompt, other, one)]


def _solutions(row: dict[str, Any]) -> list[Record]:
    """Each system's solution; the reference is what stands behind the last "A:"."""
    question, truth = _texts(row, "question", "ground_truth")
    reference = truth.rpartition("A:")[2].strip()
    return [
        LabelledText(question, solution["solution"], int(solution["is_correct"]), reference, system)
        for system, solution in row.items()
        if isinstance(solution, dict)
    ]


def _moderation(row: dict[str, Any]) -> list[Record]:
    (text,) = _texts(row, "prompt")
    return [LabelledText("", text, int(not any(row.get(name) == 1 for name in _CATEGORIES)))]
