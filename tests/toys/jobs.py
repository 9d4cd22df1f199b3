"""Jobs for the worker tests: each item does what it says."""

import ctypes
import gc
import os
import re
import signal
import time
from typing import Any

KEPT: list[bytes] = []


def warm_up_fails() -> None:
    raise RuntimeError("no such model")


def die_at_first(deaths: str) -> None:
    """So many times as the file says, which it counts down."""
    with open(deaths, "r+") as file:
        left = int(file.read())
        file.seek(0)
        file.truncate()
        file.write(str(max(left - 1, 0)))
    if left:
        os.kill(os.getpid(), signal.SIGKILL)


def act(items: list[Any], start: int):
    for item in items[start:]:
        match item:
            case "hang in arithmetic":
                _ = 10**10**9
            case "hang in re":
                re.match(r"(a+)+$", "a" * 64 + "b")
            case "sleep":
                time.sleep(3600)
            case "exit":
                os._exit(0)
            case "segfault":
                ctypes.string_at(0)
            case "memory":
                _ = bytearray(1 << 40)
            case "raise":
                raise RuntimeError("with text of the completion")
            case "recurse":
                act_forever()
            case "surrogate":
                yield "\ud800"
            case "object":
                yield object()
            case "end":
                return
            case "pid":
                yield os.getpid()
            case "collector":
                yield [gc.get_freeze_count() > 10_000, gc.get_threshold()[0]]
            case "grow":
                KEPT.append(b"x" * (64 << 20))
                yield os.getpid()
            case _:
                yield item


def act_forever():
    return act_forever()


def cannot_load(start: int):
    raise AssertionError("never called")


class Unloadable:
    def __reduce__(self):
        return (int, ("not a number",))
