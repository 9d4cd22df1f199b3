"""The languages, as data: how each is compiled and run in a jail.

source ──▶ compile in a jail, the artefact out through descriptor 3 ──▶ run the artefact in another jail
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reward_sandbox.jail.spec import PYTHON, File, Limits, Run

COMPILE_LIMITS = Limits(
    wall_s=30, cpu_s=30, memory_mb=2048, output_kb=64, processes=64, file_mb=512, files=5000, open_files=256
)
ARTEFACT = "artefact"


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `compile` runs in a shell and writes the artefact to descriptor 3; `run` finds it in the box."""

    name: str
    source: str
    program: str
    """What must be there, in the jail, for the language to be offered; nothing for the interpreter that is kept warm."""
    version: tuple[str, ...]
    """Prints the version; a language whose own does not end well is not offered."""
    run: tuple[str, ...]
    compile: str = ""
    aliases: tuple[str, ...] = ()
    time_scale: float = 1.0
    """What the limits of time are multiplied by: interpreters and virtual machines start slowly."""
    more_memory_mb: int = 0
    more_processes: int = 0
    least_open_files: int = 0
    """Without so many descriptors it does not start."""
    stacks_mb: int = 0
    """For those whose programs reserve far more address space than they use; see Run."""
    heap: str = ""
    """The flag that bounds its heap, for machines that have one."""
    env: Mapping[str, str] = field(default_factory=dict)
    prints_version: str = "import sys; print(sys.version)"
    """The Python program that does, for those that Python programs run."""
    is_query: bool = False
    """Whether what is written in it is a query, on a database: see engines.py."""
    names: Callable[[str], dict[str, str]] | None = None
    """What `compile` calls things in a program, in braces: plain names, which a shell reads."""

    def compilation(self, source: str) -> str:
        """The command that compiles this program."""
        command = self.compile
        for name, value in (self.names(source) if self.names else {}).items():
            command = command.replace(f"{{{name}}}", value)
        return command

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
                "open_files": max(limits.open_files, self.least_open_files),
            }
        )


# Comments and texts, also those that have no end: each match takes what it has looked at.
_JAVA_PROSE = re.compile(
    r"//[^\n]*|/\*(?:.*?\*/|.*\Z)|\"\"\"(?:(?:\\.|[^\\])*?\"\"\"|.*\Z)|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'?",
    re.S,
)
_JAVA_WORD = re.compile(
    r"[{}]|(public\s+(?:(?:final|abstract|sealed|static|strictfp)\s+){0,4})?"
    r"\b(?:class|enum|record|interface)\s+(\w+)|\bvoid\s+(main)\s*\(",
    re.A,
)
_JAVA_PACKAGE = re.compile(r"^[ \t]*package\s+([\w.]+)\s*;", re.M | re.A)


JAVA_CALL = "TouchstoneCall"
"""The class that is started where it is there; see grading.calls."""


def _java_names(source: str) -> dict[str, str]:
    """The file must be named as the public class is, and the class to start is the outermost one with a method `main`."""
    code = _JAVA_PROSE.sub(" ", source)
    depth, name, public, main = 0, "", "", JAVA_CALL if JAVA_CALL in code else ""
    for match in _JAVA_WORD.finditer(code):
        is_public, kind, method = match.groups()
        if match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
        elif kind and depth == 0:
            name, public = kind, public or (kind if is_public else "")
        elif method and depth == 1:
            main = main or name
    file = public or "Main"
    package = _JAVA_PACKAGE.search(code)
    return {"file": file, "main": (f"{package[1]}." if package else "") + (main or file)}


def java_classes(source: str) -> list[str]:
    """The outermost classes of a program, with its package."""
    code = _JAVA_PROSE.sub(" ", source)
    depth, names = 0, []
    for match in _JAVA_WORD.finditer(code):
        if match[0] in "{}":
            depth += 1 if match[0] == "{" else -1
        elif match[2] and depth == 0:
            names.append(match[2])
    package = _JAVA_PACKAGE.search(code)
    return [f"{package[1]}.{name}" if package else name for name in names]


# Without /proc its programs do not find their own libraries.
_JAVA = (
    "home=$(dirname $(dirname $(readlink -f /usr/bin/javac))) && export JAVA_HOME=$home LD_LIBRARY_PATH=$home/lib && "
)
_KOTLIN = "/usr/share/kotlin/kotlinc/lib/kotlin-stdlib.jar"
_BINARY = (f"/box/{ARTEFACT}",)
CPP_FLAGS = "-std=gnu++20 -O2 -pipe"
PRECOMPILED = "/precompiled"
"""Where a jail sees the precompiled header, which must have been made with the same flags."""
_JVM = "-XX:-UsePerfData -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# A thread's stack is as large as it is for a person, however far the program's own may grow: else each reserves as much.
# It compiles as C and as C++; weak, for C libraries without these functions.
_THREAD_STACK = (
    'echo \'__attribute__((weak)) int init(void *) __asm__("pthread_attr_init"),'
    ' size(void *, unsigned long) __asm__("pthread_attr_setstacksize"),'
    ' set(void *) __asm__("pthread_setattr_default_np");'
    " __attribute__((constructor(101))) static void stack(void)"
    " { long attributes[32]; if (set) { init(attributes); size(attributes, 8UL << 20); set(attributes); } }'"
    " >.tmp/stack.c && "
)
_GCC = "-o {0} {1} .tmp/stack.c -lm && cat {0} >&3"


def _script(
    name: str, ending: str, program: str, check: str, version: str, aliases: tuple[str, ...] = (), **more: Any
) -> Language:
    """An interpreted language. check: says whether the source can be read, before anything of it is run."""
    source = f"solution.{ending}"
    return Language(
        name,
        source,
        program,
        (program, *version.split()),
        (program, f"/box/{ARTEFACT}"),
        compile=f"{check.format(source)} >.tmp/checked && cat {source} >&3",
        aliases=aliases,
        **more,
    )


# Types are erased and not checked, as ts-node and bundlers have it; what cannot be read does not compile.
_TYPESCRIPT = "/usr/share/nodejs/typescript/lib/typescript.js"
_TRANSPILE = (
    f'node -e \'const ts = require("{_TYPESCRIPT}"), fs = require("fs");'
    'const done = ts.transpileModule(fs.readFileSync("solution.ts", "utf8"), {reportDiagnostics: true, compilerOptions:'
    " {target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, esModuleInterop: true}});"
    'for (const fault of done.diagnostics) console.error(ts.flattenDiagnosticMessageText(fault.messageText, "\\n"));'
    "if (done.diagnostics.length) process.exit(1); fs.writeFileSync(3, done.outputText)'"
)
_NODE: dict[str, Any] = {
    "time_scale": 2,
    "more_memory_mb": 64,
    "more_processes": 16,
    "stacks_mb": 64,
    # Its library of ciphers would stop at a file that it may not read.
    "env": {"OPENSSL_CONF": "/dev/null"},
    "heap": "--max-old-space-size={}",
}

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
            compile=f"{_THREAD_STACK}gcc -std=gnu17 -O2 -pipe " + _GCC.format(ARTEFACT, "solution.c"),
        ),
        Language(
            "cpp",
            "solution.cpp",
            "/usr/bin/g++",
            ("/usr/bin/g++", "--version"),
            _BINARY,
            compile=f"{_THREAD_STACK}g++ {CPP_FLAGS} -I{PRECOMPILED} " + _GCC.format(ARTEFACT, "solution.cpp"),
            aliases=("c++", "cxx", "cc"),
        ),
        Language(
            "javascript",
            "solution.js",
            "/usr/bin/node",
            ("/usr/bin/node", "--version"),
            ("/usr/bin/node", "{heap}", "/box/solution.js"),
            aliases=("js", "node", "nodejs"),
            **_NODE,
        ),
        Language(
            "typescript",
            "solution.ts",
            _TYPESCRIPT,
            ("/usr/bin/node", "-p", f"require('{_TYPESCRIPT}').version"),
            ("/usr/bin/node", "{heap}", f"/box/{ARTEFACT}"),
            compile=_TRANSPILE,
            aliases=("ts",),
            **_NODE,
        ),
        Language(
            "java",
            "Main.java",
            "/usr/bin/javac",
            ("/bin/sh", "-c", _JAVA + "javac -J-XX:-UsePerfData --version"),
            (
                "/bin/sh",
                "-c",
                f"{_JAVA}tar xmf {ARTEFACT} && exec java {{heap}} -Xss64m {_JVM} $(cat .main)",
            ),
            compile=_JAVA
            + "mkdir classes && mv Main.java {file}.java 2>/dev/null; javac -J-XX:-UsePerfData -nowarn -encoding UTF-8"
            " -d classes {file}.java && echo {main} > classes/.main && tar cf - -C classes . >&3",
            names=_java_names,
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
            compile=f"go build -o {ARTEFACT} solution.go && cat {ARTEFACT} >&3",
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
            f"rustc -O --edition 2021 -o {ARTEFACT} solution.rs && cat {ARTEFACT} >&3",
            aliases=("rs",),
        ),
        Language(
            "haskell",
            "Main.hs",
            "/usr/bin/ghc",
            ("/bin/sh", "-c", "ls /usr/bin/ghc-[0-9]*"),
            _BINARY,
            # Without /proc it does not find its own libraries.
            compile="export LD_LIBRARY_PATH=$(echo /usr/lib/ghc/*-* /usr/lib/ghc/rts | tr ' ' :) && "
            f"ghc -v0 -O -o {ARTEFACT} Main.hs && cat {ARTEFACT} >&3",
            aliases=("hs", "ghc"),
            stacks_mb=2048,
        ),
        Language(
            "kotlin",
            "solution.kt",
            "/usr/bin/kotlinc",
            ("/bin/sh", "-c", _JAVA + "kotlinc -version 2>&1 | grep -o 'kotlinc-jvm [0-9.]*'"),
            (
                "/bin/sh",
                "-c",
                f"{_JAVA}tar xmf {ARTEFACT} && exec java {{heap}} -Xss64m {_JVM} -cp classes:{_KOTLIN} $(cat .main)",
            ),
            # The manifest names the class that has `main`.
            compile=_JAVA + f"export JAVA_OPTS='-Xmx1g {_JVM}' && kotlinc -nowarn solution.kt -d solution.jar"
            " && mkdir classes && cd classes && jar xf ../solution.jar && cd .."
            " && tr -d '\\r' < classes/META-INF/MANIFEST.MF | sed -n 's/^Main-Class: //p' > .main"
            " && tar cf - .main classes >&3",
            aliases=("kt",),
            time_scale=3,
            more_memory_mb=256,
            more_processes=64,
            stacks_mb=2048,
            heap="-Xmx{}m",
        ),
        _script("bash", "sh", "/bin/bash", "bash -n {}", "--version", ("sh", "shell")),
        _script("perl", "pl", "/usr/bin/perl", "perl -c {}", "--version", ("pl",)),
        _script("php", "php", "/usr/bin/php", "php -l {}", "--version"),
        _script("ruby", "rb", "/usr/bin/ruby", "ruby -c {}", "--version", ("rb",)),
        _script("lua", "lua", "/usr/bin/lua5.4", "luac5.4 -p {}", "-v"),
        _script(
            "r",
            "R",
            "/usr/bin/Rscript",
            "Rscript --vanilla -e 'invisible(parse(\"{}\"))'",
            "--version",
            ("rscript",),
            time_scale=2,
            more_memory_mb=64,
            least_open_files=512,
        ),
    )
}
BY_ALIAS = {alias: language for language in LANGUAGES.values() for alias in (language.name, *language.aliases)}
