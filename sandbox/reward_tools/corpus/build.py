"""`touchstone tools index FOLDER OUT`: a folder of texts becomes an index on disk.

    *.txt, *.md    a document each; cut into passages at blank lines
    *.jsonl        a document a line: {"id"?, "title"?, "text"} or {"id"?, "contents"}, as Search-R1's corpora have it

OUT holds bm25s's own files, and the passages beside them, so that nothing but OUT is needed to search.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from reward_tools.corpus.words import tokenized

PASSAGE_WORDS = 150
MAX_ID = 200
FORMAT = 1


class BadCorpus(ValueError):
    """The message names the file and the line."""


class Passage(NamedTuple):
    document: str
    title: str
    text: str


def build(folder: Path, out: Path) -> tuple[int, int]:
    """Write the index of `folder` to `out`. (documents, passages). Raises BadCorpus, and leaves an older index then."""
    import bm25s

    passages = list(_passages(folder))
    if not passages:
        raise BadCorpus(f"{folder}: no texts; there must be files that end in .txt, .md or .jsonl")
    retriever = bm25s.BM25()
    retriever.index(tokenized([f"{passage.title}\n{passage.text}" for passage in passages]), show_progress=False)
    rows = _numbered(passages)
    half = out.with_name(f".{out.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    retriever.save(half, corpus=rows, show_progress=False)
    documents = len({row["document"] for row in rows})
    about = {"format": FORMAT, "documents": documents, "passages": len(rows)}
    (half / "about.json").write_bytes(orjson.dumps(about))
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    half.rename(out)
    return documents, len(rows)


def _numbered(passages: list[Passage]) -> list[dict[str, Any]]:
    """A passage is named by its document; one of several by its place there, too. `place` and `of` count from 1."""
    rows: list[dict[str, Any]] = []
    begin = 0
    while begin < len(passages):
        end = begin
        while end < len(passages) and passages[end].document == passages[begin].document:
            end += 1
        for place, passage in enumerate(passages[begin:end], 1):
            name = passage.document if end - begin == 1 else f"{passage.document}#{place}"
            rows.append({"id": name, **passage._asdict(), "place": place, "of": end - begin})
        begin = end
    return rows


def _passages(folder: Path) -> Iterator[Passage]:
    """In a fixed order. Raises BadCorpus."""
    seen: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix not in (".txt", ".md", ".jsonl"):
            continue
        name = path.relative_to(folder).as_posix()
        try:
            documents = _rows(path, name) if path.suffix == ".jsonl" else iter([_text(path, name)])
            for document, title, text in documents:
                if document in seen:
                    raise BadCorpus(f"{name}: the document {document!r} is there twice")
                seen.add(document)
                for part in _parts(text):
                    yield Passage(document, title, part)
        except UnicodeDecodeError as error:
            raise BadCorpus(f"{name}: it is not UTF-8: {error.reason} at byte {error.start}") from None


def _text(path: Path, name: str) -> tuple[str, str, str]:
    text = path.read_text(encoding="utf-8")
    first, _, rest = text.partition("\n")
    if path.suffix == ".md" and first.startswith("# "):
        return name, first[2:].strip(), rest
    return name, path.stem.replace("_", " "), text


def _rows(path: Path, name: str) -> Iterator[tuple[str, str, str]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise BadCorpus(f"{name}, line {number}: {error}") from None
            text = row.get("text", row.get("contents")) if isinstance(row, dict) else None
            if not isinstance(text, str) or not text.strip():
                raise BadCorpus(f"{name}, line {number}: `text` (or `contents`) must be a text that is not empty")
            title = row.get("title")
            if title is None and "contents" in row and "\n" in text:  # Search-R1's: the title is the first line
                title, _, text = text.partition("\n")
            document = str(row.get("id", f"{name}:{number}"))
            if len(document) > MAX_ID or "#" in document:
                raise BadCorpus(f"{name}, line {number}: `id` must have at most {MAX_ID} characters, and no #")
            yield document, str(title or "").strip().strip('"'), text


def _parts(text: str) -> Iterator[str]:
    """Passages of at most PASSAGE_WORDS words, cut at blank lines where that is possible."""
    held: list[str] = []
    count = 0
    for paragraph in text.replace("\r\n", "\n").split("\n\n"):
        words = paragraph.split()
        if held and count + len(words) > PASSAGE_WORDS:
            yield "\n\n".join(held)
            held, count = [], 0
        if len(words) > PASSAGE_WORDS:
            for start in range(0, len(words), PASSAGE_WORDS):
                yield " ".join(words[start : start + PASSAGE_WORDS])
        elif words:
            held.append(paragraph.strip())
            count += len(words)
    if held:
        yield "\n\n".join(held)
