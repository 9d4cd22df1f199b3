"""LiveCodeBench: public tests as JSON, private ones as JSON or compressed.

private_test_cases = base64(zlib(pickle of one text)), the text is JSON. No pickle is loaded: its instructions are looked
at, and anything but one text is refused.
"""

from __future__ import annotations

import base64
import binascii
import json
import pickletools
import zlib
from typing import Any

from reward_sandbox.datasets import cases
from reward_sandbox.datasets.row import LARGEST, NotUnderstood, Reader, Row, entries, parsed

_PRIVATE = "private_test_cases"
_AROUND = frozenset(("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP"))
_TEXTS = frozenset(("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"))


def _read(row: Row) -> dict[str, Any]:
    records = [
        *entries(parsed(row, "public_test_cases"), "public_test_cases"),
        *entries(_private(row[_PRIVATE]), _PRIVATE),
    ]
    metadata = parsed(row, "metadata") if row.get("metadata") else {}
    entry = str(metadata.get("func_name") or "") if isinstance(metadata, dict) else ""
    return cases.of_records(records, _PRIVATE, entry)


def _private(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return parsed({_PRIVATE: value}, _PRIVATE)
    try:
        content = _decompressed(base64.b64decode(value, validate=True))
        plain = content.decode("utf-8") if content[:1] == b"[" else _only_text(content)
        return json.loads(plain)
    except (binascii.Error, zlib.error, UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise NotUnderstood(f"{_PRIVATE}: it is neither JSON nor base64 of compressed JSON") from None


def _decompressed(content: bytes) -> bytes:
    """Raises NotUnderstood for what would be too large, zlib.error."""
    stream = zlib.decompressobj()
    plain = stream.decompress(content, LARGEST)
    if stream.unconsumed_tail or not stream.eof:
        raise NotUnderstood(f"{_PRIVATE}: decompressed it is longer than {LARGEST >> 20} MiB, or cut off")
    return plain


def _only_text(pickled: bytes) -> str:
    """The one text that a pickle holds. Raises NotUnderstood for every other pickle."""
    try:
        instructions = [(instruction.name, argument) for instruction, argument, _ in pickletools.genops(pickled)]
    except (ValueError, OverflowError):
        raise NotUnderstood(f"{_PRIVATE}: it is no whole pickle") from None
    texts = [argument for name, argument in instructions if name in _TEXTS]
    if len(texts) != 1 or {name for name, _ in instructions} - _TEXTS - _AROUND:
        raise NotUnderstood(f"{_PRIVATE}: a pickle that holds anything but one text is refused")
    return str(texts[0])


READERS = (
    Reader(
        "livecodebench",
        "LiveCodeBench",
        ("public_test_cases", _PRIVATE),
        _read,
        "`stdio`, `function`",
        ("question_content",),
    ),
)
