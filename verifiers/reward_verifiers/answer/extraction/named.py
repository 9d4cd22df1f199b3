"""Places that a domain names: a tag, an RE2 pattern, a field of JSON."""

from __future__ import annotations

import json
from collections import deque
from functools import lru_cache
from typing import Any

from reward_verifiers.answer.extraction.spans import MAX_ANSWER, Extraction

_MAX_JSON = 1_000_000


def json_field(text: str, path: str) -> Extraction | None:
    """A field of the completion's JSON object; `path` is dotted. Fences around the object are allowed."""
    start, end = text.find("{"), text.rfind("}")
    if not 0 <= start < end or end - start > _MAX_JSON:
        return None
    try:
        value = json.loads(text[start : end + 1])
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError, RecursionError):
        return Extraction(None, f"json:{path}", "no such JSON field")
    content = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Extraction(content[: MAX_ANSWER + 1].strip(), f"json:{path}")


@lru_cache(maxsize=64)
def _re2(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.max_mem = 8 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


def check_pattern(pattern: str) -> None:
    """Raises ValueError for what RE2 refuses."""
    import re2

    try:
        _re2(pattern)
    except re2.error as error:
        raise ValueError(f"no RE2 pattern: {str(error)[:200]}") from error


def by_pattern(text: str, pattern: str) -> Extraction | None:
    """The last match of a pattern: its first group, else all of it. In linear time."""
    tail = text[-_MAX_PATTERN:].encode("utf-8", "replace").decode("utf-8")
    last = deque(_re2(pattern).finditer(tail), maxlen=1)
    if not last:
        return None
    content = last[0].group(1) if last[0].re.groups else last[0].group()
    return Extraction((content or "").strip()[: MAX_ANSWER + 1], "regex") if content else None


def by_tag(text: str, name: str) -> Extraction | None:
    """The last `<name>…</name>`."""
    close = text.rfind(f"</{name}>")
    start = text.rfind(f"<{name}>", max(0, close - MAX_ANSWER), close) if close >= 0 else -1
    if start < 0:
        return None
    return Extraction(text[start + len(name) + 2 : close].strip(), f"tag:{name}")


_MAX_PATTERN = 200_000
