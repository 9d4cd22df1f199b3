"""Runs the tests of a patched repository in a process of their own, and says of each expected test what came of it.

this process: job ──▶ tree (touchstone_tree) ──▶ tests' process ──▶ report ──▶ descriptor 3, which that process has not

What the tests' process says is the word of one that the solution is part of. A report is believed only when it is whole, and
when the tests that must fail (canaries: the plugin's, or a file in each package of Go) have failed.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any
from xml.etree import ElementTree

import touchstone_tree
from touchstone_submission import send
from touchstone_tree import Faulty, Missing, Refused

Outcomes = dict[str, str]
"""Test → passed, or why not: failed, error, skipped."""
_MOST = 32 << 20
_LOOK_S = 0.05
_SHOWN = 1500
_PACKAGE = re.compile(r"^package +(\w+)", re.M)


class Report:
    """What is known of the run so far."""

    def __init__(self) -> None:
        self.outcomes: Outcomes = {}
        self.why = ""
        """Why the outcomes are not believed."""
        self.says = ""
        """What the runner wrote to its standard error."""
        self.ran = 0
        """How many tests there were to run."""
        self.is_out_of_time = False
        """Whether the kernel ended it for its processor time, of which it has no more than the run."""


def main() -> None:
    with open("job.json", "rb") as file:
        job = json.loads(file.read())
    os.unlink("job.json")
    root = f"{os.getcwd()}/repo"
    answer: dict[str, Any] = {"refused": "", "fault": "", "missing": "", "dropped": [], "tests": []}
    try:
        dropped, own = touchstone_tree.prepared(job, root)
        answer["dropped"] = dropped[:100]
        report = _RUNNERS[job["report"]]({**job, "own": own}, root)
        if not touchstone_tree.is_as_before(root, own):
            report.why, report.outcomes = report.why or "files of the tests were changed while they ran", {}
        answer["tests"] = [_status(name, report.outcomes) for name in job["expect"]]
        answer |= {"why": report.why, "says": report.says[-_SHOWN:], "ran": report.ran or len(report.outcomes)}
        answer["out_of_time"] = report.is_out_of_time
    except Refused as error:
        answer["refused"] = str(error)
    except Faulty as error:
        answer["fault"] = str(error)
    except Missing as error:
        answer["missing"] = str(error)
    send(3, json.dumps(answer).encode("utf-8", "replace"))


def _status(name: str, outcomes: Outcomes) -> str:
    """Of an expected test: the worst of all that its name stands for."""
    if name in outcomes:
        return outcomes[name]
    is_cut = "[" in name.rpartition("::")[2] and not name.endswith("]")  # as logs have it that split at blanks
    starts = (name,) if is_cut else (f"{name}[", f"{name}::", f"{name}/")
    mine = [outcome for test, outcome in outcomes.items() if test.startswith(starts)]
    return next((outcome for outcome in mine if outcome != "passed"), "passed") if mine else "not run"


def _note(outcomes: Outcomes, name: str, outcome: str) -> None:
    """A test that is reported twice has passed when it has both times."""
    if outcomes.get(name, "passed") == "passed":
        outcomes[name] = outcome


def _environment(root: str, more: Mapping[str, str]) -> dict[str, str]:
    """Of the tests' process: nothing that a runner takes its options from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON", "GO"))}
    paths = os.pathsep.join(_paths(root))
    here = os.path.dirname(root)  # what languages call /box is elsewhere in the jails without namespaces
    own = {name: value.replace("/box", here) for name, value in more.items()}
    return {**kept, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **own}


def _paths(root: str) -> list[str]:
    """Where modules are found: the repository, its `src`, and what this interpreter has besides."""
    source = [f"{root}/src"] if os.path.isdir(f"{root}/src") and not os.path.exists(f"{root}/src/__init__.py") else []
    return [root, *source, *(path for path in sys.path if path and path != os.path.dirname(root))]


# --- pytest: in a fork of this interpreter ----------------------------------------------------------------------------


def _pytest(job: Mapping[str, Any], root: str) -> Report:
    try:
        import touchstone_repo_pytest as plugin
    except ImportError as error:
        raise Missing(f"the library {error.name}") from None
    arguments = job["command"] or _files(job["expect"], root)
    report = Report()
    pinned = {f"{root}/{path}": content for path, (_, content, _) in job["own"].items() if path.endswith(".py")}
    del job
    reading, writing = os.pipe()
    with tempfile.TemporaryFile() as says:
        pid = os.fork()
        if pid == 0:
            _become_tests(root, says.fileno(), lambda: plugin.run(arguments, root, writing, pinned))
        os.close(writing)
        lines, status = _lines(reading, pid)
        report.says, report.is_out_of_time = _content(says), _is_out_of_time(os.waitstatus_to_exitcode(status))
    _believe(lines, report)
    return report


def _files(expect: Iterable[str], root: str) -> list[str]:
    files = list(dict.fromkeys(name.partition("::")[0] for name in expect))
    lacking = [path for path in files if not os.path.exists(f"{root}/{path}")]
    if lacking:
        raise Faulty(f"expect: the repository has no file {lacking[0][:100]}, also not with the tests laid over it")
    return files


def _become_tests(root: str, says: int, run: Callable[[], int]) -> None:
    """Never returns."""
    status = 1
    try:
        os.close(3)
        nothing = os.open(os.devnull, os.O_RDWR)
        for ours, theirs in ((nothing, 0), (says, 1), (says, 2)):
            os.dup2(ours, theirs)
        sys.path[:] = _paths(root)
        environment = _environment(root, {})
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(root)
        status = run()
        sys.stdout.flush()
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}\n".encode("utf-8", "replace"))
    finally:
        os._exit(status)


def _is_out_of_time(status: int) -> bool:
    return status in (-signal.SIGXCPU, 128 + signal.SIGXCPU)


def _lines(reading: int, pid: int) -> tuple[list[bytes], int]:
    """What the tests' process says until it ends, whoever else holds the pipe, and its status."""
    content, is_over, status = bytearray(), False, 0
    while len(content) < _MOST:
        if not select.select([reading], [], [], 0 if is_over else _LOOK_S)[0]:
            if is_over:
                break
            ended, status = os.waitpid(pid, os.WNOHANG)
            is_over = ended == pid
            continue
        piece = os.read(reading, 65536)
        if not piece:
            break
        content += piece
    if not is_over:
        status = os.waitpid(pid, 0)[1]
    return bytes(content).split(b"\n"), status


def _believe(lines: list[bytes], report: Report) -> None:
    """The first line is the word that the others hold: the plugin wrote it before any code of the repository ran."""
    word, end = lines[0].decode("ascii", "replace"), None
    for line in lines[1:]:
        try:
            message = json.loads(line)
            if message["word"] != word or end is not None:
                continue
            if "end" in message:
                end = message["end"]
            elif "collected" in message:
                report.ran = int(message["collected"])
            else:
                _note(report.outcomes, message["test"], message["outcome"])
        except (ValueError, TypeError, LookupError):
            continue
    if end is None:
        report.why = "the tests' process ended before its report was whole"
    elif end:
        report.why = str(end)
    if report.why:
        report.outcomes = {}


# --- any runner that writes a JUnit report ----------------------------------------------------------------------------


def _junit(job: Mapping[str, Any], root: str) -> Report:
    path = f"{os.environ.get('TMPDIR', os.path.dirname(root))}/{secrets.token_hex(8)}.xml"
    report = Report()
    _spawn([word.replace("{report}", path) for word in job["command"]], root, job["env"], report)
    try:
        with open(path, "rb") as file:
            suites = ElementTree.parse(file).getroot()  # noqa: S314  # in the jail
    except (OSError, ElementTree.ParseError, ValueError) as error:
        report.why = f"there is no JUnit report: {type(error).__name__}"
        return report
    for case in suites.iter("testcase"):
        tags = {child.tag for child in case}
        outcome = next((word for tag, word in _TAGS if tag in tags), "passed")
        name, group = case.get("name") or "", case.get("classname") or ""
        for full in {name, f"{group}.{name}", f"{group}::{name}", f"{group} {name}"}:
            _note(report.outcomes, full, outcome)
    return report


_TAGS = (("failure", "failed"), ("error", "error"), ("skipped", "skipped"))


def _spawn(command: list[str], root: str, more: Mapping[str, str], report: Report) -> bytes:
    """Its standard output. Raises Missing."""
    environment = _environment(root, more)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as says:
        where: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": says}
        try:
            done = subprocess.run(command, cwd=root, env=environment, check=False, **where)  # noqa: S603
        except OSError:
            raise Missing(f"the program {command[0][:60]!r}") from None
        report.says, report.is_out_of_time = _content(says), _is_out_of_time(done.returncode)
        output.seek(0)
        return output.read(_MOST)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST).decode("utf-8", "replace")


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


# --- Go ---------------------------------------------------------------------------------------------------------------


def _go(job: Mapping[str, Any], root: str) -> Report:
    """With tests in each package, in its last file, that must fail: a process that ended early has not come to them."""
    canaries = _plant(root)
    planted = {name for names in canaries.values() for name in names}
    report = Report()
    environment = {**job["env"], **_GO, "GOFLAGS": f"-p=2 -overlay=/box/{_unlocked(root)}"}
    output = _spawn(job["command"] or ["go", "test", "-json", "./..."], root, environment, report)
    outcomes = _events(output)
    for (package, test), outcome in outcomes.items():
        if test not in planted:
            is_whole = all(outcomes.get((package, name)) == "failed" for name in _of_package(canaries, package))
            for name in (test, f"{package}::{test}", f"{package}.{test}", f"{package}/{test}"):
                _note(report.outcomes, name, outcome if is_whole else "not believed")
    if "not believed" in report.outcomes.values():
        report.why = "the tests' process ended before its report was whole"
    return report


def _events(output: bytes) -> dict[tuple[str, str], str]:
    """(package, test) → outcome."""
    outcomes: dict[tuple[str, str], str] = {}
    for line in output.splitlines():
        try:
            event = json.loads(line)
            action, key = event["Action"], (str(event["Package"]), str(event.get("Test") or ""))
        except (ValueError, TypeError, LookupError):
            continue
        if key[1] and action in _ACTIONS and outcomes.get(key, "passed") == "passed":
            outcomes[key] = _ACTIONS[action]
    return outcomes


_ACTIONS = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_GO = {"GO111MODULE": "auto", "GOPROXY": "off", "GOTOOLCHAIN": "local"}


def _unlocked(root: str) -> str:
    """The path, from the box, of an overlay of the modules' files: copies, since Go reads the others with a lock."""
    folder = f"{os.path.dirname(root)}/overlay"
    os.mkdir(folder)
    replace: dict[str, str] = {}
    for path in touchstone_tree.read(root):
        if os.path.basename(path) in ("go.mod", "go.sum"):
            replace[f"{root}/{path}"] = f"{folder}/{len(replace)}"
            shutil.copyfile(f"{root}/{path}", replace[f"{root}/{path}"])
    with open(f"{folder}/overlay.json", "w", encoding="utf-8") as file:
        json.dump({"Replace": replace}, file)
    return "overlay/overlay.json"


def _plant(root: str) -> dict[str, list[str]]:
    """Folder → names of its tests that must fail: one in each of its packages, that of its code and the one beside it."""
    names: dict[str, list[str]] = {}
    for folder, _, files in os.walk(root):
        texts = [_text(f"{folder}/{name}") for name in files if name.endswith("_test.go")]
        clauses = {match[1] for text in texts if "//go:build" not in text and (match := _PACKAGE.search(text))}
        for package in clauses:
            test = f"Test{secrets.token_hex(4).capitalize()}"
            names.setdefault(os.path.relpath(folder, root), []).append(test)
            with open(f"{folder}/zz{secrets.token_hex(4)}_test.go", "w", encoding="utf-8") as file:
                file.write(f'package {package}\n\nimport "testing"\n\nfunc {test}(t *testing.T) {{ t.FailNow() }}\n')
    return names


def _of_package(canaries: Mapping[str, list[str]], package: str) -> list[str]:
    """Those of the folder that the package is, the longest that its path ends with."""
    folders = [folder for folder in canaries if folder != "." and f"/{package}".endswith(f"/{folder}")]
    return canaries[max(folders, key=len)] if folders else canaries.get(".", [])


_RUNNERS: dict[str, Callable[[Mapping[str, Any], str], Report]] = {"pytest": _pytest, "junit": _junit, "go": _go}
