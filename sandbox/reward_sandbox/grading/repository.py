"""What the kind `repo` is asked with: a repository, the tests that are laid over a patch, and what must pass."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator

from reward_verifiers.contract import StrictModel

MAX_FILES = 10_000
MAX_TEXT = 16_000_000
MAX_NAMES = 20_000
Path = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
LIMITS: dict[str, Any] = {
    "wall_s": 180,
    "cpu_s": 120,
    "memory_mb": 2048,
    "processes": 64,
    "file_mb": 512,
    "files": 20_000,
    "open_files": 256,
}
"""Those of a run where the reference sets none: a test suite takes more than a program."""
_PYTEST = (["pytest"], ["py.test"], ["python", "-m", "pytest"], ["python3", "-m", "pytest"])


class Expect(StrictModel):
    """The tests that must pass once the patch is applied, by name. A name without its parameters, of a class or of a file
    stands for all its tests.
    """

    FAIL_TO_PASS: list[Name] = Field(  # as the data sets write it
        min_length=1, max_length=MAX_NAMES, description="Tests that fail before the patch."
    )
    PASS_TO_PASS: list[Name] = Field(
        default_factory=list, max_length=MAX_NAMES, description="Tests that pass before it too."
    )

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys((*self.FAIL_TO_PASS, *self.PASS_TO_PASS)))


class Repository(StrictModel):
    """For the kind repo; the other kinds have none of it."""

    files: dict[Path, str] = Field(
        default_factory=dict, max_length=MAX_FILES, description="repo: path → text of the repository before the patch."
    )
    archive: str = Field(
        default="",
        max_length=2 * MAX_TEXT,
        description="repo: in place of `files`, a tar in base64, plain or compressed; one folder around all is left out.",
    )
    test_files: dict[Path, str] = Field(
        default_factory=dict, max_length=MAX_FILES, description="repo: files laid over the patched repository."
    )
    test_patch: str = Field(
        default="", max_length=MAX_TEXT, description="repo: the same as a patch on the repository before the patch."
    )
    solution_patch: str = Field(
        default="",
        max_length=MAX_TEXT,
        description="repo: a right patch. It is tried once, and where it does not pass there is no verdict.",
    )
    command: list[str] = Field(
        default_factory=list,
        max_length=200,
        description="repo: runs the tests; in it {report} is the file that a junit report is written to. Default: pytest"
        " on the files of `expect`, `go test -json ./...`.",
    )
    report: Literal["pytest", "junit", "go"] = Field(default="pytest", description="repo: how test results are read.")
    protected: list[Path] = Field(
        default_factory=list, max_length=1000, description="repo: paths and patterns that a patch may not touch."
    )
    expect: Expect | None = Field(default=None, description="repo: the tests that must pass.")

    @field_validator("command", mode="before")
    @classmethod
    def _words(cls, command: Any) -> Any:
        return shlex.split(command) if isinstance(command, str) else command

    def check_repository(self) -> None:
        """Raises ValueError."""
        if self.expect is None:
            raise ValueError("expect: kind repo needs FAIL_TO_PASS, the tests that must pass")
        if bool(self.files) == bool(self.archive):
            raise ValueError("files: kind repo needs them or an archive, and not both")
        if sum(map(len, (*self.files.values(), *self.test_files.values()))) > MAX_TEXT:
            raise ValueError(f"files: they hold more than {MAX_TEXT} characters")
        for path in (*self.files, *self.test_files):
            if not is_within(path):
                raise ValueError(f"files: {path[:80]!r} is no path within a repository")
        self._check_command()

    def _check_command(self) -> None:
        if self.report == "pytest" and self.command and self.arguments is None:
            raise ValueError("command: with report pytest it is pytest and its arguments")
        if self.report == "junit" and not any("{report}" in word for word in self.command):
            raise ValueError("command: with report junit it names {report}, the file to write")
        if self.report == "go" and self.command and (self.command[:2] != ["go", "test"] or "-json" not in self.command):
            raise ValueError("command: with report go it is `go test -json` and its arguments")
        if self.report == "go" and any(word.lstrip("-").partition("=")[0] in ("run", "list") for word in self.command):
            raise ValueError("command: it runs all tests of a package; `expect` says which of them count")

    @property
    def arguments(self) -> list[str] | None:
        """Those of pytest; None where the command is another."""
        for program in _PYTEST:
            if self.command[: len(program)] == program:
                return self.command[len(program) :]
        return None


def is_within(path: str) -> bool:
    """Whether it is a plain path below the repository's folder."""
    parts = path.split("/")
    return "\0" not in path and not any(part in ("", ".", "..") for part in parts) and parts[0] != ".git"
