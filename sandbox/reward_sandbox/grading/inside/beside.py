"""Tests that must share a process with the solution. The nonce says that this harness wrote the report; a solution that
searches its process for it can find it, which is why such a result is of weak assurance.
"""

from __future__ import annotations

import functools
import json
import types
from typing import Any

from touchstone_submission import load, prelude_names, send
from touchstone_suite import Suite


def main() -> None:
    with open(0, "rb", closefd=False) as stream:
        job = json.loads(stream.read())
    module = load()
    calls = [0]
    entry = job["entry"].partition(".")[0].removesuffix("()")
    target = getattr(module, entry, None)
    if isinstance(target, types.FunctionType):

        @functools.wraps(target)
        def counted(*args: Any, **kwargs: Any) -> Any:
            calls[0] += 1
            return target(*args, **kwargs)

        setattr(module, entry, counted)
    else:
        calls[0] = 1
    names = {**module.__dict__, **prelude_names} if prelude_names else module.__dict__
    suite = Suite(names, lambda: calls[0], keep_going=job["keep_going"])
    suite.run(job["test_code"], job["check_of"], job["solutions"])
    report = {
        "checks": suite.checks,
        "held": suite.held,
        "calls": calls[0],
        "fault": suite.fault,
        "nonce": job["nonce"],
    }
    send(3, json.dumps(report).encode())


main()
