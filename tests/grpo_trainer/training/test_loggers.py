"""Loggers by the real packages, where they are installed: W&B offline, trackio on this machine."""

import json
import runpy
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from grpo_trainer.training import GRPOConfig, loggers
from grpo_trainer.training.run_log import RunLog

STEPS = {2: 0.25, 4: 0.5, 6: 0.75}


def logged(folder, logger):
    """A run that was killed after its second rollout's checkpoint, and went on: its third rollout is logged twice."""
    log = RunLog(folder, 0, [logger])
    for step in (2, 4, 6):
        log.write(step, {"reward": STEPS[step], "eval/signs/pass@1": 1.0}, {"domains": {"signs": "sha256:1"}})
    log.close()
    log = RunLog(folder, 4, [logger])
    log.write(6, {"reward": STEPS[6], "eval/signs/pass@1": 1.0})
    log.close()


BLOCK = 32_768


def records(data):
    """Of a .wandb file: a head of 7 bytes, and LevelDB's log format (checksum, length, type: whole, first, middle, last)."""
    place, record = 7, b""
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield record
            record = b""


@pytest.mark.slow
def test_wandb_keeps_a_run_in_its_folder_when_it_is_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = tmp_path / "mini-0" / "2-zero"
    logged(folder, "wandb")
    rows, ids = {}, set()
    for path in folder.glob("wandb/offline-run-*/*.wandb"):
        for record in map(Record.FromString, records(path.read_bytes())):
            if record.HasField("run"):
                ids.add((record.run.project, record.run.run_id))
            if record.HasField("history"):
                row = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in record.history.item}
                rows[row["_step"]] = row
    assert {step: row["reward"] for step, row in rows.items()} == STEPS
    assert {row["eval/signs/pass@1"] for row in rows.values()} == {1.0}
    ((project, run),) = ids
    assert project == "touchstone"
    assert run.startswith("mini-0-2-zero-")


TRACKIO = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_loggers import logged
logged(Path({folder!r}), "trackio")
"""


@pytest.mark.slow
def test_trackio_keeps_a_run_on_this_machine(tmp_path, monkeypatch):
    """In a process of its own: trackio takes its folder from the environment when it is imported."""
    pytest.importorskip("trackio")
    folder = tmp_path / "mini-0" / "2-zero"
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    program = TRACKIO.format(tests=str(Path(__file__).parent), folder=str(folder))
    subprocess.run([sys.executable, "-c", program], check=True)
    (path,) = (tmp_path / "trackio").glob("touchstone*.db")
    with sqlite3.connect(path) as base:
        lines = base.execute("SELECT run_name, step, metrics FROM metrics").fetchall()
    assert {step: json.loads(metrics)["reward"] for _, step, metrics in lines} == STEPS
    assert {run for run, _, _ in lines} == {(folder / "logger_run.txt").read_text()}


def test_a_logger_is_imported_only_where_it_is_named(tmp_path, monkeypatch):
    for name in loggers.LOGGERS:
        monkeypatch.setitem(sys.modules, name, None)  # an import of it raises
    runpy.run_path(loggers.__file__)
    RunLog(tmp_path, 0).close()
    for name in ("wandb", "trackio"):
        with pytest.raises(ModuleNotFoundError):
            RunLog(tmp_path, 0, [name])


@pytest.mark.parametrize(("logger", "extra"), [("wandb", "wandb"), ("trackio", "trackio"), ("tensorboard", "train")])
def test_a_logger_that_is_not_installed_is_an_error_before_the_run(tmp_path, monkeypatch, logger, extra):
    monkeypatch.setattr("grpo_trainer.training.loggers.find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=rf"loggers: {logger} is not installed; pip install 'touchstone-client\[{extra}\]'"
    ):
        GRPOConfig.from_mapping({"run_dir": tmp_path, "loggers": [logger]})
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_logger_is_named(tmp_path):
    with pytest.raises(ValueError, match="loggers: there is no 'mlflow'; there are: tensorboard, wandb, trackio"):
        GRPOConfig.from_mapping({"run_dir": tmp_path, "loggers": ["mlflow"]})
