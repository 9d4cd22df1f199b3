"""The Python that runs inside a jail beside a solution, to call it. It holds no test's expected value, ever.

The result leaves as JSON through descriptor 3, where it is compared outside: whatever a solution writes there itself is
only taken for what it returned.
"""

CODEC = r"""
def _given(value):
    if isinstance(value, list):
        return [_given(item) for item in value]
    if isinstance(value, dict):
        for tag, kind in (("__tuple__", tuple), ("__set__", set), ("__dict__", dict)):
            if len(value) == 1 and tag in value:
                return kind(_given(item) for item in value[tag])
        return {key: _given(item) for key, item in value.items()}
    return value


def _plain(value, depth=0):
    if depth > 200:
        raise ValueError("nested too deeply to be sent out")
    # Subclasses may say of themselves what they like; their plain value is what counts.
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return value if type(value) is kind else kind.__new__(kind, value)
    if value is None:
        return None
    if isinstance(value, list):
        return [_plain(item, depth + 1) for item in list.__iter__(value)]
    if isinstance(value, tuple):
        return {"__tuple__": [_plain(item, depth + 1) for item in tuple.__iter__(value)]}
    if isinstance(value, (set, frozenset)):
        return {"__set__": [_plain(item, depth + 1) for item in value]}
    if isinstance(value, dict):
        pairs = list(dict.items(value))
        if all(type(key) is str and not key.startswith("__") for key, _ in pairs):
            return {key: _plain(item, depth + 1) for key, item in pairs}
        return {"__dict__": [{"__tuple__": [_plain(k, depth + 1), _plain(v, depth + 1)]} for k, v in pairs]}
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), depth + 1)
    raise TypeError("a " + type(value).__name__ + " cannot be sent out")


def _load():
    import sys, types
    module = types.ModuleType("solution")
    module.__file__ = "submission.py"
    sys.modules["solution"] = module
    with open("submission.py", "rb") as file:
        exec(compile(file.read(), "submission.py", "exec", dont_inherit=True), module.__dict__)
    return module


def _send(fd, data):
    import os
    while data:
        data = data[os.write(fd, data):]
"""

CALL = (
    CODEC
    + r"""
def _main():
    import json, sys
    with open(0, "rb", closefd=False) as stream:
        call = json.loads(stream.read())
    target = _load()
    for name in call["entry"].split("."):
        target = getattr(target, name)
        if isinstance(target, type):
            target = target()
    arguments = [_given(item) for item in call["args"]]
    result = target(*arguments, **{key: _given(item) for key, item in call["kwargs"].items()})
    text = json.dumps(_plain(result)).encode()
    sys.stdout.flush()
    _send(3, text)


_main()
"""
)
"""One call: its arguments on standard input, its result on descriptor 3."""

SERVE = (
    CODEC
    + r"""
def _main():
    import json
    module = _load()
    requests = open(4, "rb", closefd=False)
    for line in requests:
        call = json.loads(line)
        try:
            target = getattr(module, call["name"])
            arguments = [_given(item) for item in call["args"]]
            result = target(*arguments, **{key: _given(item) for key, item in call["kwargs"].items()})
            # What a call did to its arguments is seen by the caller, as it would be in one process.
            reply = {"result": _plain(result), "args": [_plain(item) for item in arguments]}
        except Exception as error:
            reply = {"error": type(error).__name__, "why": str(error)[:200]}
        _send(5, json.dumps(reply).encode() + b"\n")


_main()
"""
)
"""The solution's side of a pair: calls come in on descriptor 4, results go out on 5."""

RUN_UNITTEST = r"""

import os as _os, unittest as _unittest
_suite = _unittest.TestSuite()
for _case in [_value for _value in list(globals().values()) if isinstance(_value, type)]:
    if issubclass(_case, _unittest.TestCase) and _case is not _unittest.TestCase:
        _suite.addTests(_unittest.defaultTestLoader.loadTestsFromTestCase(_case))
with open(_os.devnull, "w") as _nowhere:
    _told = _unittest.TextTestRunner(stream=_nowhere).run(_suite)
assert _told.testsRun and _told.wasSuccessful()
"""
"""Behind test code of the kind unittest: every test case of it, all of which must pass."""

PROXY = (
    CODEC
    + r"""
def _main(test_code, entry, candidate, nonce):
    import builtins, json
    replies = open(4, "rb", closefd=False)
    helpers = set()

    class CannotSend(Exception):
        pass

    def proxy(name):
        def call(*args, **kwargs):
            if name != entry:
                helpers.add(name)
            try:
                named = {key: _plain(value) for key, value in kwargs.items()}
                request = {"name": name, "args": [_plain(value) for value in args], "kwargs": named}
            except TypeError:
                _send(3, b"cannot " + nonce)
                raise CannotSend from None
            _send(5, json.dumps(request).encode() + b"\n")
            reply = json.loads(replies.readline() or b'{"error": "RuntimeError", "why": "the solution has ended"}')
            if "error" in reply:
                kind = getattr(builtins, str(reply["error"]), None)
                kind = kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError
                raise kind(reply.get("why"))
            for given, after in zip(args, map(_given, reply["args"])):
                if isinstance(given, list):
                    given[:] = after
                elif isinstance(given, (dict, set)):
                    given.clear()
                    given.update(after)
            return _given(reply["result"])

        call.__name__ = name
        return call

    class Names(dict):
        def __missing__(self, name):
            if hasattr(builtins, name):
                raise KeyError(name)
            return proxy(name)

    import sys, types
    solution = types.ModuleType("solution")
    solution.__getattr__ = proxy  # for tests that import it
    for name in ("solution", "submission"):
        sys.modules[name] = solution
    names = Names(__name__="__tests__", __builtins__=builtins)
    exec(compile(test_code, "tests.py", "exec", dont_inherit=True), names)
    if candidate:
        names["check"](proxy(entry))
    _send(3, (b"helped " if helpers else b"passed ") + nonce)
"""
)
"""The tests' side of a pair: every name that the tests do not define is a call of the solution."""
