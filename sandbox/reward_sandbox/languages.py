"""Languages: how each is compiled and run in a jail, and which are present.

source ──▶ compile in a jail, the artefact out through descriptor 3 ──▶ run the artefact in another jail
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cachetools import LRUCache

from reward_sandbox.jail.spec import PYTHON, CannotJail, File, Jail, Limits, Outcome, Run

COMPILE_LIMITS = Limits(
    wall_s=30, cpu_s=30, memory_mb=2048, output_kb=64, processes=64, file_mb=512, files=5000, open_files=256
)
CACHE_BYTES = 512 << 20
_ARTEFACT = "artefact"


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `compile` runs in a shell and writes the artefact to descriptor 3; `run` finds it in the box."""

    name: str
    source: str
    program: str
    """What must be there, in the jail, for the language to be offered; nothing for the interpreter that is kept warm."""
    version: tuple[str, ...]
    run: tuple[str, ...]
    compile: str = ""
    aliases: tuple[str, ...] = ()
    time_scale: float = 1.0
    """What the limits of time are multiplied by: interpreters and virtual machines start slowly."""
    more_memory_mb: int = 0
    more_processes: int = 0
    stacks_mb: int = 0
    """For those whose programs reserve far more address space than they use; see Run."""
    heap: str = ""
    """The flag that bounds its heap, for machines that have one."""
    env: Mapping[str, str] = field(default_factory=dict)

    def execution(self, files: Mapping[str, File], stdin: bytes, limits: Limits) -> Run:
        """One run of a compiled program."""
        heap = self.heap.format(limits.memory_mb)
        argv = tuple(word.replace("{heap}", heap) for word in self.run)
        return Run(argv, files, stdin, self.limits(limits), self.env, stacks_mb=self.stacks_mb)

    def limits(self, limits: Limits) -> Limits:
        """The limits that a program of this language gets."""
        return limits.model_copy(
            update={
                "wall_s": limits.wall_s * self.time_scale,
                "cpu_s": limits.cpu_s * self.time_scale,
                "memory_mb": limits.memory_mb + self.more_memory_mb,
                "processes": limits.processes + self.more_processes,
            }
        )


# Without /proc its programs do not find their own libraries.
_JAVA = (
    "home=$(dirname $(dirname $(readlink -f /usr/bin/javac))) && export JAVA_HOME=$home LD_LIBRARY_PATH=$home/lib && "
)
_BINARY = (f"/box/{_ARTEFACT}",)
CPP_FLAGS = "-std=gnu++17 -O2 -pipe"
PRECOMPILED = "/precompiled"
"""Where a jail sees the precompiled header, which must have been made with the same flags."""
_JVM = "-XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
_GCC = "-o {0} {1} -lm && cat {0} >&3"
LANGUAGES = {
    language.name: language
    for language in (
        Language(
            "python",
            "solution.py",
            "",
            PYTHON,
            PYTHON,
            aliases=("python3", "py"),
        ),
        Language(
            "c",
            "solution.c",
            "/usr/bin/gcc",
            ("/usr/bin/gcc", "--version"),
            _BINARY,
            compile="gcc -std=gnu17 -O2 -pipe " + _GCC.format(_ARTEFACT, "solution.c"),
        ),
        Language(
            "cpp",
            "solution.cpp",
            "/usr/bin/g++",
            ("/usr/bin/g++", "--version"),
            _BINARY,
            compile=f"g++ {CPP_FLAGS} -I{PRECOMPILED} " + _GCC.format(_ARTEFACT, "solution.cpp"),
            aliases=("c++", "cxx", "cc"),
        ),
        Language(
            "javascript",
            "solution.js",
            "/usr/bin/node",
            ("/usr/bin/node", "--version"),
            ("/usr/bin/node", "{heap}", "/box/solution.js"),
            aliases=("js", "node", "nodejs"),
            time_scale=2,
            more_memory_mb=64,
            more_processes=16,
            stacks_mb=64,
            # Its library of ciphers would stop at a file that it may not read.
            env={"OPENSSL_CONF": "/dev/null"},
            heap="--max-old-space-size={}",
        ),
        Language(
            "java",
            "Main.java",
            "/usr/bin/javac",
            ("/bin/sh", "-c", _JAVA + "javac -J-XX:-UsePerfData --version"),
            (
                "/bin/sh",
                "-c",
                f"{_JAVA}tar xmf {_ARTEFACT} && exec java {{heap}} -Xss64m {_JVM} Main",
            ),
            compile=_JAVA
            + "javac -J-XX:-UsePerfData -nowarn -encoding UTF-8 -d classes Main.java && tar cf - -C classes . >&3",
            time_scale=3,
            more_memory_mb=256,
            more_processes=64,
            stacks_mb=2048,
            heap="-Xmx{}m",
        ),
        Language(
            "go",
            "solution.go",
            "/usr/bin/go",
            ("/usr/bin/go", "version"),
            _BINARY,
            compile=f"go build -o {_ARTEFACT} solution.go && cat {_ARTEFACT} >&3",
            aliases=("golang",),
            more_processes=16,
            stacks_mb=64,
            env={"GOCACHE": "/box/.tmp", "GOPATH": "/box/.tmp", "GO111MODULE": "off", "GOFLAGS": "-p=2"},
        ),
        Language(
            "rust",
            "solution.rs",
            "/usr/bin/rustc",
            ("/usr/bin/rustc", "--version"),
            _BINARY,
            # It looks for its own libraries through /proc/self/exe.
            compile="mkdir .tmp/self && ln -s /usr/bin/rustc .tmp/self/exe && "
            f"rustc -O --edition 2021 -o {_ARTEFACT} solution.rs && cat {_ARTEFACT} >&3",
            aliases=("rs",),
        ),
    )
}
_BY_ALIAS = {alias: language for language in LANGUAGES.values() for alias in (language.name, *language.aliases)}


class UnknownLanguage(LookupError):
    """There is no such language here; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What a program's runs need, or why it does not compile."""

    language: Language
    files: Mapping[str, File] | None
    outcome: Outcome | None = None
    """Of the compiler, from when it ran; None for a language without one."""


class Compiler:
    """Compiles in jails without any test data, each source once: artefacts are kept by content."""

    def __init__(self, jail: Jail) -> None:
        self._jail = jail
        self.here: dict[str, Language] = {}
        """Those that the jail has, by name."""
        self._kept: LRUCache[str, Outcome] = LRUCache(CACHE_BYTES, getsizeof=lambda outcome: len(outcome.artefact))
        self._at_work: dict[str, asyncio.Task[Outcome]] = {}

    async def find(self) -> None:
        """Learn which languages the jail has. Raises CannotJail."""
        programs = [language.program for language in LANGUAGES.values() if language.program]
        look = f"for program in {' '.join(programs)}; do test -x $program && echo $program; done; true"
        outcome = await self._jail.run(Run(("/bin/sh", "-c", look)))
        if outcome.ending != "ok":
            raise CannotJail(f"the jail cannot say what languages it has: {outcome.error or outcome.ending}")
        found = {"", *outcome.stdout.decode("utf-8", "replace").split()}
        self.here = {name: language for name, language in LANGUAGES.items() if language.program in found}

    def language_of(self, name: str) -> Language:
        """By name or alias, of those that are here. Raises UnknownLanguage."""
        language = _BY_ALIAS.get(name.lower())
        if language is None or language.name not in self.here:
            raise UnknownLanguage(f"no language {name[:40]!r} here; there are {', '.join(self.here)}")
        return language

    async def versions(self) -> dict[str, str]:
        """Language → version, of those that are here and answer."""
        found = {}
        for name, language in self.here.items():
            limits = Limits(memory_mb=1024, processes=64, wall_s=20, cpu_s=10)
            files = {"solution.py": File(b"import sys; print(sys.version)")}
            outcome = await self._jail.run(
                Run(language.version, files, limits=limits, env=language.env, stacks_mb=2048)
            )
            said = re.search(r"\d+(?:\.\d+)+", outcome.stdout.decode("utf-8", "replace"))
            if said:
                found[name] = said.group()
        return found

    async def compile(self, language: Language, source: str) -> Compiled:
        code = File(source.encode("utf-8", "surrogatepass"))
        if not language.compile:
            return Compiled(language, {language.source: code})
        key = hashlib.sha256(f"{language.name}\0{language.compile}\0".encode() + code.content).hexdigest()
        if key in self._kept:
            return Compiled(language, self._artefact(self._kept[key].artefact), self._kept[key])
        # Siblings often bring the same program at the same time: the second waits for the first.
        if key not in self._at_work:
            self._at_work[key] = asyncio.create_task(self._once(language, code))
            self._at_work[key].add_done_callback(lambda _: self._at_work.pop(key, None))
        outcome = await asyncio.shield(self._at_work[key])
        if outcome.ending != "ok" or not outcome.artefact:
            return Compiled(language, None, outcome)
        if len(outcome.artefact) <= CACHE_BYTES:
            self._kept[key] = outcome
        return Compiled(language, self._artefact(outcome.artefact), outcome)

    async def _once(self, language: Language, code: File) -> Outcome:
        argv = ("/bin/sh", "-c", language.compile)
        return await self._jail.run(
            Run(
                argv,
                {language.source: code},
                limits=COMPILE_LIMITS,
                env=language.env,
                stacks_mb=language.stacks_mb,
                artefact=True,
            )
        )

    @staticmethod
    def _artefact(content: bytes) -> dict[str, File]:
        return {_ARTEFACT: File(content, executable=True)}
