"""A file that is written while the disk is full, or the machine dies, is the old one or the new one."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grpo_trainer.stages.sample_stage import KEPT, PROBLEMS, _resume
from grpo_trainer.training.run_log import RunLog
from grpo_trainer.whole_files import publish, write_whole


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """The kernel refuses what makes a file larger than `limit` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def lines(path: Path, rows: list[dict[str, object]]) -> str:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(text)
    return text


def test_a_text_is_the_old_one_when_the_new_one_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "done.json"
    write_whole(path, "old")
    with full_disk(100), pytest.raises(OSError, match="too large"):
        write_whole(path, "new" * 100)
    assert path.read_text() == "old"
    write_whole(path, "new" * 100)
    assert path.read_text() == "new" * 100
    assert [each.name for each in tmp_path.iterdir()] == ["done.json"]


def test_a_run_that_resumes_on_a_full_disk_keeps_its_metrics(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    text = lines(path, [{"step": step, "reward": 0.5} for step in range(50)])
    with full_disk(100), pytest.raises(OSError, match="too large"):
        RunLog(tmp_path, 40)
    assert path.read_text() == text
    RunLog(tmp_path, 40).close()
    assert len(path.read_text().splitlines()) == 41


def test_a_sampling_stage_that_resumes_on_a_full_disk_keeps_its_completions(tmp_path: Path) -> None:
    problems = lines(tmp_path / PROBLEMS, [{"id": f"p{n}", "source": "signs", "kept": 1} for n in range(99)])
    kept = lines(tmp_path / KEPT, [{"id": f"p{n}", "source": "signs", "completion": "x"} for n in range(99)])
    with full_disk(100), pytest.raises(OSError, match="too large"):
        _resume(tmp_path, "signs")
    assert (tmp_path / PROBLEMS).read_text() == problems
    assert (tmp_path / KEPT).read_text() == kept


def test_the_content_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft, target = tmp_path / "draft", tmp_path / "step-1"
    (draft / "policy").mkdir(parents=True)
    for name in ("state.json", "policy/weights"):
        (draft / name).write_text(name)
    flushed: list[tuple[str, bool]] = []
    fsync = os.fsync

    def recording(descriptor: int) -> None:
        fsync(descriptor)
        flushed.append((os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path), target.exists()))

    monkeypatch.setattr(os, "fsync", recording)
    publish(draft, target)
    assert sorted(flushed[:-1]) == [
        (name, False) for name in ("draft", "draft/policy", "draft/policy/weights", "draft/state.json")
    ]
    assert flushed[-1] == (".", True)
    assert (target / "policy/weights").read_text() == "policy/weights"
