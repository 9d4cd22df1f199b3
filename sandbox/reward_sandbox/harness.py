"""The Python that runs inside a jail beside a solution, to call it. It holds no test's expected value, ever.

The result leaves as JSON through descriptor 3, where it is compared outside: whatever a solution writes there itself is
only taken for what it returned.
"""

CALL = r"""
import json as _json, os as _os, sys as _sys


def _main():
    with open(0, "rb", closefd=False) as _stream:
        _call = _json.loads(_stream.read())
    import types
    _module = types.ModuleType("solution")
    _module.__file__ = "/box/submission.py"
    _sys.modules["solution"] = _module
    with open("/box/submission.py", "rb") as _file:
        exec(compile(_file.read(), "/box/submission.py", "exec", dont_inherit=True), _module.__dict__)
    _target = _module
    for _name in _call["entry"].split("."):
        _target = getattr(_target, _name)
        if isinstance(_target, type):
            _target = _target()
    def _given(value):
        if isinstance(value, list):
            return [_given(item) for item in value]
        if isinstance(value, dict):
            for tag, kind in (("__tuple__", tuple), ("__set__", set), ("__dict__", dict)):
                if len(value) == 1 and tag in value:
                    return kind(_given(item) for item in value[tag])
            return {key: _given(item) for key, item in value.items()}
        return value

    _result = _target(
        *[_given(item) for item in _call["args"]], **{key: _given(item) for key, item in _call["kwargs"].items()}
    )

    def _plain(value, depth=0):
        if depth > 200:
            raise ValueError("the result is nested too deeply")
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
        raise TypeError("the result is a " + type(value).__name__ + ", which cannot be sent out")

    _text = _json.dumps(_plain(_result)).encode()
    _sys.stdout.flush()
    while _text:
        _text = _text[_os.write(3, _text):]


_main()
"""
