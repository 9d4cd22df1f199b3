"""From a folder of texts to passages that are found and opened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reward_tools.corpus.build import PASSAGE_WORDS, BadCorpus, build
from reward_tools.corpus.index import CorpusIndex, NoIndex
from reward_tools.settings import SHIPPED_CORPUS

TEXTS = SHIPPED_CORPUS.parent / "texts"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "texts"
    (folder / "deep").mkdir(parents=True)
    (folder / "cats.txt").write_text("Cats sleep for most of the day.\n\nThe oldest cat was 38 years old.")
    (folder / "deep" / "dogs.md").write_text(
        "# About dogs\nDogs run.\n\n" + "\n\n".join([f"Part {n} " + "woof " * 80 for n in range(4)])
    )
    rows = [
        {"id": "q1", "title": "東京", "text": "東京は日本の首都である。"},
        {"contents": '"Ulm"\nThe minster of Ulm is 161 metres high.'},
    ]
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return folder


def test_texts_become_passages_that_are_found_and_opened(folder, tmp_path):
    documents, passages = build(folder, tmp_path / "out")
    index = CorpusIndex(tmp_path / "out")
    assert (documents, passages, len(index)) == (4, passages, passages)
    assert passages > 5
    [best, *_] = index.search("oldest cat", 3)
    assert (best.id, best.title) == ("cats.txt", "cats")
    assert index.search("首都", 1)[0].id == "q1"
    ulm = index.search("How high is the minster of Ulm?", 1)[0]
    assert (ulm.title, ulm.text) == ("Ulm", "The minster of Ulm is 161 metres high.")
    part = index.search("woof part 2", 1)[0]
    assert part.id.startswith("deep/dogs.md#")
    title, parts = index.document(part.id)
    assert title == "About dogs"
    assert parts[0].startswith("Dogs run.")
    assert index.document("deep/dogs.md") == (title, parts)
    assert all(len(text.split()) <= PASSAGE_WORDS for text in parts)


@pytest.mark.parametrize("query", ["", "the of and", "zzz qqq", "?!", "\0", "a" * 5000, "😀"])
def test_a_query_without_a_word_of_the_corpus_finds_nothing(folder, tmp_path, query):
    build(folder, tmp_path / "out")
    assert CorpusIndex(tmp_path / "out").search(query, 3) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "line 2"),
        ('{"title": "x"}', "`text`"),
        ('{"id": "q1", "text": "again"}', "twice"),
        ('{"id": "a#1", "text": "x"}', "no #"),
        ("[1]", "`text`"),
    ],
)
def test_a_bad_row_is_named_and_an_older_index_stays(folder, tmp_path, line, why):
    build(folder, tmp_path / "out")
    (folder / "rows.jsonl").write_text('{"id": "q1", "text": "x"}\n' + line)
    with pytest.raises(BadCorpus, match=why):
        build(folder, tmp_path / "out")
    assert CorpusIndex(tmp_path / "out").search("minster", 1)


def test_a_folder_without_texts_or_index_says_what_to_do(tmp_path):
    with pytest.raises(BadCorpus, match="no texts"):
        build(tmp_path, tmp_path / "out")
    with pytest.raises(NoIndex, match="touchstone tools index"):
        CorpusIndex(tmp_path)


@pytest.mark.slow
def test_the_command_writes_an_index(folder, tmp_path):
    command = [sys.executable, "-m", "reward_api", "tools"]
    done = subprocess.run([*command, "index", folder, tmp_path / "out"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("4 documents, ")
    found = subprocess.run(
        [*command, "search", "minster", "--corpus", tmp_path / "out"], capture_output=True, text=True, check=True
    )
    assert "161 metres" in found.stdout


def test_the_shipped_index_is_that_of_the_shipped_texts(tmp_path):
    build(TEXTS, tmp_path / "out")
    files = {path.name: path.read_bytes() for path in SHIPPED_CORPUS.iterdir()}
    made = {path.name: path.read_bytes() for path in Path(tmp_path / "out").iterdir()}
    assert files.keys() == made.keys()
    assert files["corpus.jsonl"] == made["corpus.jsonl"]
    assert CorpusIndex(SHIPPED_CORPUS).search("Who founded Velmora?", 1)[0].id == "town-1"
