"""Tests that were uploaded once, by the hash of their bytes, for items to refer to."""

from __future__ import annotations

import hashlib
from typing import Any

from cachetools import LRUCache
from pydantic import TypeAdapter

from reward_sandbox.grading.items import MAX_TESTS, Test

_TESTS = TypeAdapter(list[Test])


class WrongHash(ValueError):
    """The bytes have another hash than was said."""


class Uploads:
    """Keeps the tests used last, up to so many bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._kept: LRUCache[str, tuple[int, list[Test]]] = LRUCache(max_bytes, getsizeof=lambda kept: kept[0])

    def put(self, sha256: str, body: bytes, parsed: Any) -> int:
        """Keep them; how many tests they are. Raises WrongHash, ValueError (pydantic's too) for what are no tests."""
        if hashlib.sha256(body).hexdigest() != sha256:
            raise WrongHash("the body has another SHA-256 than the address says")
        if len(body) > self._kept.maxsize:
            raise ValueError(f"the tests take more than {int(self._kept.maxsize) >> 20} MiB")
        tests = _TESTS.validate_python(parsed)
        if not 1 <= len(tests) <= MAX_TESTS:
            raise ValueError(f"between 1 and {MAX_TESTS} tests are taken, here are {len(tests)}")
        self._kept[sha256] = len(body), tests
        return len(tests)

    def get(self, sha256: str) -> list[Test]:
        """Raises LookupError."""
        return self._kept[sha256][1]
