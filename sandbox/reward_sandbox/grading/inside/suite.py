"""The tests' side of a pair: every name that the tests do not define is the solution's, and asked of it.

What came of them goes out on descriptor 3, which the solution has no part in.
"""

from __future__ import annotations

import json
import sys
import types
from typing import Any

from touchstone_objects import Cannot, Gone, Peer
from touchstone_submission import send
from touchstone_suite import SOLUTIONS, Suite, is_builtin


class Names(dict[str, Any]):
    """The tests' names; what they lack is the solution's."""

    def __init__(self, peer: Peer, entry: str) -> None:
        super().__init__()
        self._peer, self._entry = peer, entry
        self.helpers: set[str] = set()

    def __missing__(self, name: str) -> Any:
        if is_builtin(name) or name.startswith("__"):
            raise KeyError(name)
        return self.of_solution(name)

    def of_solution(self, name: str) -> Any:
        message = self._peer._exchange("name", (name,))
        if message.get("missing"):
            self._peer.calls += name == self._entry
            raise NameError(f"the solution has no {name}")
        value = self._peer.result(message)
        self._peer.calls += name == self._entry and not callable(value)  # calling it is going to fail
        if name != self._entry and not (isinstance(value, type) and issubclass(value, BaseException)):
            self.helpers.add(name)
        self[name] = value
        return value


class Solution(types.ModuleType):
    """What the tests import."""

    def __init__(self, names: Names) -> None:
        super().__init__("solution")
        self.__dict__["_names"] = names
        self.__dict__["__path__"] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self.__dict__["_names"].of_solution(name)
        except NameError as error:
            raise AttributeError(name) from error


def main() -> None:
    with open(0, "rb", closefd=False) as stream:
        job = json.loads(stream.read())
    peer = Peer(4, 5, guarded=True, objects=job["objects"], reflect=job["reflect"])
    peer.entry = job["entry"].rpartition(".")[2]
    names = Names(peer, job["entry"].partition(".")[0].removesuffix("()"))
    for name in SOLUTIONS:
        sys.modules[name] = Solution(names) if name == SOLUTIONS[0] else sys.modules[SOLUTIONS[0]]
    suite = Suite(names, lambda: peer.calls, keep_going=job["keep_going"])
    report: dict[str, Any] = {"cannot": "", "gone": False}
    try:
        suite.run(job["test_code"], job["check_of"], job["solutions"])
    except Cannot as error:
        report["cannot"] = str(error) or "handles do not carry it"
    except Gone as error:
        report["gone"] = True
        suite.checks.append({"verdict": "runtime_error", "why": str(error)})
    report |= {"checks": suite.checks, "held": suite.held, "calls": peer.calls, "fault": suite.fault}
    report |= {"weak": peer.is_weak or bool(names.helpers), "withheld": peer.has_withheld}
    send(3, json.dumps(report).encode())


main()
