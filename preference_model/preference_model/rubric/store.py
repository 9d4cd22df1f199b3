"""Rubrics that a judge wrote: once per prompt, then frozen, so that a training is judged by one measure throughout.

They lie in a JSON Lines file, a line per prompt: {"prompt": sha256, "judge": its name, "items": […]}. Copy the file to use
them elsewhere, or move its items into your data set as `reference.rubric`.
"""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

import orjson

from preference_model.rubric.items import Rubric, rubric_of
from reward_verifiers.verifier import BadReference

log = logging.getLogger(__name__)


class RubricStore:
    """Prompt → its rubric. Without a file, they are kept in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rubrics: dict[str, Rubric] = {}
        for line in path.read_bytes().splitlines() if path and path.exists() else []:
            try:
                row = orjson.loads(line)
                self._rubrics[str(row["prompt"])] = rubric_of(row["items"])
            except (orjson.JSONDecodeError, KeyError, TypeError, BadReference):
                log.warning("a line of the rubric file cannot be read", extra={"path": str(path)})

    def get(self, prompt: str) -> Rubric | None:
        return self._rubrics.get(_digest(prompt))

    def freeze(self, prompt: str, rubric: Rubric, judge: str) -> Rubric:
        """Keep the rubric, unless the prompt has one: that one is the answer."""
        key = _digest(prompt)
        if key not in self._rubrics:
            self._rubrics[key] = rubric
            if self._path:
                items = rubric.model_dump(mode="json")["items"]
                with self._path.open("ab") as file:
                    file.write(orjson.dumps({"prompt": key, "judge": judge, "items": items}) + b"\n")
        return self._rubrics[key]


def _digest(prompt: str) -> str:
    return hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()
