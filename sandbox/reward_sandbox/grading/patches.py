"""The patch in a completion, after the thinking: unified diffs, or whole files by their paths.

```diff … ```  or bare, behind <answer> or <patch>       the diffs of all blocks; where two touch one file, the last block
```python:pkg/a.py … ```  or a line `### pkg/a.py` before     a JSON object of paths and texts; of one path the last text
"""

from __future__ import annotations

import json
import re

from reward_sandbox.grading.extraction import Block, blocks
from reward_verifiers.completion import after_think, without_end

_DIFFS = ("diff", "patch", "udiff")
_HUNK = re.compile(r"^@@ -\d+(?:,\d+)? \+\d+(?:,\d+)? @@", re.M)
_START = re.compile(r"^(?:diff --git |--- \S)", re.M)
_PATHS = re.compile(r"^\+\+\+ (\S+)", re.M)
_PATH = re.compile(r"(?:^|[\s:=\"'`*(])((?:[\w.@+-]{1,100}/){0,20}[\w.@+-]{0,100}\.\w{1,10})(?=$|[\s\"'`*):}])")
_TAGS = ("answer", "patch", "diff", "solution")


def patch(completion: str, prefix: str = "") -> str | None:
    """As GradeItem.code has it, or None where there is none."""
    text = after_think(completion, prefix)
    if text is None:
        return None
    filled = [block for block in blocks(text) if block.text.strip()]
    if diffs := [block.text for block in filled if _is_diff(block)]:
        return without_end(_joined(diffs))
    if files := {path: block.text for block in filled if (path := _path_of(block))}:
        return json.dumps(files)
    return _bare(text)


def _is_diff(block: Block) -> bool:
    return block.word in (*_DIFFS, "") and (
        block.word != "" or bool(_START.search(block.text) and _HUNK.search(block.text))
    )


def _joined(diffs: list[str]) -> str:
    """One patch of all, unless a file is in two of them: then the last is what the others were for."""
    paths = [set(_PATHS.findall(diff)) for diff in diffs]
    return "\n".join(diffs) if sum(map(len, paths)) == len(set().union(*paths)) else diffs[-1]


def _path_of(block: Block) -> str:
    """In what stands behind the fence, else in the line before it, where it has little else."""
    inside = _PATH.search(block.info[:_LONGEST])
    if inside:
        return inside[1]
    before = _PATH.search(block.before[:_LONGEST])
    return before[1] if before and len(block.before.split()) <= _FEW_WORDS else ""


_FEW_WORDS, _LONGEST = 3, 300


def _bare(text: str) -> str | None:
    start = _START.search(text)
    if not start or not _HUNK.search(text, start.start()):
        return None
    diff = text[start.start() :]
    for tag in _TAGS:
        diff = diff.partition(f"</{tag}>")[0]
    return without_end(diff)
