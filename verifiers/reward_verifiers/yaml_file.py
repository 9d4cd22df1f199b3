"""A YAML file read into a model, with errors that name the line, the path and the reason.

YAML 1.2, without tags that make objects. A key that stands twice is refused: the last one would win silently.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from reward_verifiers.contract import dotted
from reward_verifiers.suggestions import faults_of

M = TypeVar("M", bound=BaseModel)
MAX_SHOWN = 80
_KINDS = {list: "list"}


class BadFile(ValueError):
    """The file is refused; `errors` holds (path, reason) pairs, and a reason ends with the line where it is known."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {reason}" if path else reason for path, reason in errors))
        self.errors = errors


def read_yaml(content: bytes | Path, model: type[M]) -> M:
    """The model of a file, or of what it holds. Raises BadFile, and OSError when the file cannot be read."""
    text = _text(content if isinstance(content, bytes) else content.read_bytes())
    document = plain(text)
    if document is None:
        raise BadFile([("", "the file is empty")])
    if not isinstance(document, dict):
        raise BadFile([("", f"it must hold `key: value` lines, not a {_KINDS.get(type(document), 'single value')}")])
    try:
        return model.model_validate(document)
    except ValidationError as error:
        tree = YAML(typ="safe", pure=True).compose(text)
        raise BadFile([_fault(tree, where, reason) for where, _, reason in faults_of(error, model)]) from None


def plain(text: str) -> Any:
    """The document as dictionaries, lists and scalars. Raises BadFile."""
    try:
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        # "found duplicate key "weight" with value …": the key stands in quotes.
        name = str(error.problem).split('"')[1]
        raise BadFile([(name, f"the key stands twice in one mapping{_at(error)}")]) from None
    except MarkedYAMLError as error:
        raise BadFile([("", f"not valid YAML{_at(error)}: {_reason(error, text)}")]) from None
    except RecursionError:
        raise BadFile([("", "not valid YAML: nested too deeply")]) from None
    except (YAMLError, ValueError):
        raise BadFile([("", "not valid YAML")]) from None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile([("", "not valid YAML: it is not UTF-8")]) from None


def _at(error: MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def _reason(error: MarkedYAMLError, text: str) -> str:
    """YAML's own reason, and the line as it is written."""
    mark = error.problem_mark or error.context_mark
    # Without its advice on the library, which is for programmers.
    reason = "; ".join(part.split("\n")[0] for part in (error.context, error.problem) if part)
    reason += ", indent with spaces" if "\\t" in reason else ""
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return reason
    return f"{reason}: `{lines[mark.line].strip()[:MAX_SHOWN]}`"


def _fault(tree: Node | None, location: tuple[int | str, ...], reason: str) -> tuple[str, str]:
    line = _line(tree, location)
    return dotted(location), reason + (f" (line {line})" if line else "")


def _line(node: Node | None, location: tuple[int | str, ...]) -> int | None:
    """The line of the place in the document, or of the last part of the way to it that is there."""
    line = None
    for part in location:
        if isinstance(node, MappingNode):
            entry = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if entry is None:
                break
            line, node = entry[0].start_mark.line + 1, entry[1]
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
