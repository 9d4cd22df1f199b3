"""Compiles programs, and knows which languages a jail has."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from reward_sandbox.jail.spec import CannotJail, File, Jail, Limits, Outcome, Run
from reward_sandbox.languages.engines import ENGINES
from reward_sandbox.languages.table import ARTEFACT, BY_ALIAS, COMPILE_LIMITS, LANGUAGES, Language

CACHE_BYTES = 512 << 20


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
        self.engines: dict[str, Language] = {}
        """The databases that it has."""
        self._kept: LRUCache[str, Outcome] = LRUCache(CACHE_BYTES, getsizeof=lambda outcome: len(outcome.artefact))
        self._at_work: dict[str, asyncio.Task[Outcome]] = {}

    async def find(self) -> None:
        """Learn which languages the jail has. Raises CannotJail."""
        languages = {**LANGUAGES, **ENGINES}
        programs = [language.program for language in languages.values() if language.program]
        look = f"for program in {' '.join(programs)}; do test -r $program; echo $?; done"
        outcome = await self._jail.run(Run(("/bin/sh", "-c", look)))
        if outcome.ending != "ok":
            raise CannotJail(f"the jail cannot say what languages it has: {outcome.error or outcome.ending}")
        answers = zip(programs, outcome.stdout.split(), strict=True)
        present = {"", *(program for program, status in answers if status == b"0")}
        here = {name: language for name, language in languages.items() if language.program in present}
        self.here = {name: language for name, language in here.items() if name in LANGUAGES}
        self.engines = {name: language for name, language in here.items() if name in ENGINES}

    def language_of(self, name: str) -> Language:
        """By name or alias, of those that are here. Raises UnknownLanguage."""
        language = BY_ALIAS.get(name.lower())
        if language is None or language.name not in self.here:
            raise UnknownLanguage(f"no language {name[:40]!r} here; there are {', '.join(self.here)}")
        return language

    def engine_of(self, name: str) -> Language:
        """The database of that name or alias, of those that are here. Raises UnknownLanguage."""
        for engine in self.engines.values():
            if name.lower() in (engine.name, *engine.aliases):
                return engine
        raise UnknownLanguage(f"no database {name[:40]!r} here; there are {', '.join(self.engines)}")

    async def versions(self) -> dict[str, str]:
        """Language → version, of those that are here and answer."""
        versions = {}
        for name, language in {**self.here, **self.engines}.items():
            limits = Limits(memory_mb=1024, processes=64, wall_s=20, cpu_s=10)
            files = {"solution.py": File(language.prints_version.encode())}
            outcome = await self._jail.run(
                Run(language.version, files, limits=limits, env=language.env, stacks_mb=2048)
            )
            version = re.search(r"\d+(?:\.\d+)+", outcome.stdout.decode("utf-8", "replace"))
            if version:
                versions[name] = version.group()
        return versions

    async def compile(self, language: Language, source: str, beside: Mapping[str, File] | None = None) -> Compiled:
        """beside: files that the source includes; the same source always has the same."""
        code = File(source.encode("utf-8", "surrogatepass"))
        if not language.compile:
            return Compiled(language, {language.source: code})
        key = hashlib.sha256(f"{language.name}\0{language.compilation(source)}\0".encode() + code.content).hexdigest()
        if key in self._kept:
            return Compiled(language, self._artefact(self._kept[key].artefact), self._kept[key])
        # Siblings often bring the same program at the same time: the second waits for the first.
        if key not in self._at_work:
            self._at_work[key] = asyncio.create_task(
                self._once(language, source, {**(beside or {}), language.source: code})
            )
            self._at_work[key].add_done_callback(lambda _: self._at_work.pop(key, None))
        outcome = await asyncio.shield(self._at_work[key])
        if outcome.ending != "ok" or not outcome.artefact:
            return Compiled(language, None, outcome)
        if len(outcome.artefact) <= CACHE_BYTES:
            self._kept[key] = outcome
        return Compiled(language, self._artefact(outcome.artefact), outcome)

    async def _once(self, language: Language, source: str, files: Mapping[str, File]) -> Outcome:
        argv = ("/bin/sh", "-c", language.compilation(source))
        return await self._jail.run(
            Run(
                argv,
                files,
                limits=COMPILE_LIMITS,
                env=language.env,
                stacks_mb=language.stacks_mb,
                artefact=True,
            )
        )

    @staticmethod
    def _artefact(content: bytes) -> dict[str, File]:
        return {ARTEFACT: File(content, executable=True)}
