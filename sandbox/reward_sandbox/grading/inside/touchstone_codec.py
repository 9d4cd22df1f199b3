"""Python values as JSON and back. What JSON has not carries a tag: {"__tuple__": [1, 2]}, {"__int__": "0xff…"}.

Stands alone: the same file is used outside of jails, and laid into the box of every run that sends values.
"""

from __future__ import annotations

import base64
import collections
import datetime
import decimal
import fractions
import math
import sys
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 200
_LARGE = 1 << 63
_SCALARS = (bool, int, float, str)
Encode = Callable[[Any, int], Any]


class NotPlain(TypeError):
    """A value that JSON and the tags cannot carry."""


def refuse(value: Any, depth: int) -> Any:
    raise NotPlain(f"a {type(value).__name__} cannot be sent out")


def encode(value: Any, depth: int = 0, other: Encode = refuse) -> Any:
    """For json.dumps. other: what to send for a value that is not plain. Raises NotPlain; ValueError: it is too deep."""
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply to be sent out")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if -_LARGE < value < _LARGE else {"__int__": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"__float__": repr(value)}
    if kind is list:
        return [encode(item, depth + 1, other) for item in value]
    if kind is dict:
        return _encode_dict(value, depth, other)
    for name, (tagged, parts, _) in _KINDS.items():
        if kind is tagged:
            return {f"__{name}__": encode(parts(value), depth + 1, other)}
    if kind.__module__ == "numpy" and hasattr(value, "tolist"):
        array = kind.__name__ == "ndarray"
        plain = encode(value.tolist(), depth + 1, other)
        return {"__array__": [plain, str(value.dtype)]} if array else plain
    return other(value, depth)


def plain_value(value: Any) -> Any:
    """Of an instance of a subclass of a plain type the plain value: it may say of itself what it likes. Raises NotPlain."""
    for kind in _SCALARS:
        if isinstance(value, kind):
            return kind.__new__(kind, value)  # type: ignore[type-var]
    if isinstance(value, list):
        return list(list.__iter__(value))
    if isinstance(value, tuple):
        return tuple(tuple.__iter__(value))
    if isinstance(value, dict):
        return dict(dict.items(value))
    if isinstance(value, (set, frozenset)):
        return set(set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value))
    raise NotPlain(f"a {type(value).__name__} cannot be sent out")


def as_plain(value: Any, depth: int) -> Any:
    """`other` of encode: subclasses by their plain value."""
    return encode(plain_value(value), depth + 1, as_plain)


def _encode_dict(value: dict[Any, Any], depth: int, other: Encode) -> Any:
    if all(type(key) is str and not key.startswith("__") for key in value):
        return {key: encode(item, depth + 1, other) for key, item in value.items()}
    pairs = [[encode(key, depth + 1, other), encode(item, depth + 1, other)] for key, item in value.items()]
    return {"__dict__": pairs}


def decode(value: Any, depth: int = 0, other: Callable[[str, Any], Any] | None = None) -> Any:
    """What `encode` has sent. other: for tags that are not the codec's own. Raises ValueError."""
    if depth > MAX_DEPTH + 10:
        raise ValueError("nested too deeply")
    if isinstance(value, list):
        return [decode(item, depth + 1, other) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(tag, content)] = value.items()
        if tag.startswith("__"):
            return _tagged(tag.strip("_"), content, depth, other)
    return {key: decode(item, depth + 1, other) for key, item in value.items()}


def _tagged(name: str, content: Any, depth: int, other: Callable[[str, Any], Any] | None) -> Any:
    if name == "int":
        return int(str(content), 16)
    if name == "float":
        return float(content)
    if name == "dict":
        return {decode(key, depth + 1, other): decode(item, depth + 1, other) for key, item in content}
    if name == "array":
        return _array(decode(content[0], depth + 1, other), str(content[1]))
    if name in _KINDS:
        try:
            return _KINDS[name][2](decode(content, depth + 1, other))
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"no {name}") from error
    if other is not None:
        return other(name, content)
    raise ValueError(f"no tag {name[:20]!r}")


def _array(items: Any, dtype: str) -> Any:
    numpy = sys.modules.get("numpy")
    return items if numpy is None else numpy.array(items, dtype=dtype)


def _day(value: datetime.date) -> list[int]:
    return [value.year, value.month, value.day]


def _moment(value: datetime.time | datetime.datetime) -> list[Any]:
    offset = value.utcoffset()
    return [
        value.hour,
        value.minute,
        value.second,
        value.microsecond,
        None if offset is None else offset.total_seconds(),
    ]


def _clock(parts: list[Any]) -> list[Any]:
    """The last part of a time, seconds from UTC, as its zone."""
    zone = None if parts[-1] is None else datetime.timezone(datetime.timedelta(seconds=parts[-1]))
    return [*parts[:-1], zone]


_FACTORIES: dict[str, Any] = {kind.__name__: kind for kind in (int, float, str, list, dict, set, bool, tuple)}
_KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "tuple": (tuple, list, tuple),
    "set": (set, list, set),
    "frozenset": (frozenset, list, frozenset),
    "bytes": (bytes, lambda v: base64.b64encode(v).decode(), lambda p: base64.b64decode(p)),
    "bytearray": (bytearray, lambda v: base64.b64encode(v).decode(), lambda p: bytearray(base64.b64decode(p))),
    "complex": (complex, lambda v: [v.real, v.imag], lambda p: complex(*p)),
    "decimal": (decimal.Decimal, str, lambda p: decimal.Decimal(str(p)[:5000])),
    "fraction": (fractions.Fraction, lambda v: [v.numerator, v.denominator], lambda p: fractions.Fraction(*p)),
    "date": (datetime.date, _day, lambda p: datetime.date(*p)),
    "time": (datetime.time, _moment, lambda p: datetime.time(*_clock(p))),
    "datetime": (
        datetime.datetime, lambda v: _day(v) + _moment(v), lambda p: datetime.datetime(*p[:3], *_clock(p[3:])),
    ),
    "timedelta": (
        datetime.timedelta, lambda v: [v.days, v.seconds, v.microseconds], lambda p: datetime.timedelta(*p),
    ),
    "range": (range, lambda v: [v.start, v.stop, v.step], lambda p: range(*p)),
    "deque": (collections.deque, lambda v: [list(v), v.maxlen], lambda p: collections.deque(*p)),
    "counter": (collections.Counter, dict, collections.Counter),
    "ordered": (collections.OrderedDict, lambda v: [list(p) for p in v.items()], collections.OrderedDict),
    "default": (
        collections.defaultdict,
        lambda v: [dict(v), getattr(v.default_factory, "__name__", "")],
        lambda p: collections.defaultdict(_FACTORIES.get(p[1]), p[0]),
    ),
    "keys": (type({}.keys()), list, lambda p: dict.fromkeys(p).keys()),
    "values": (type({}.values()), list, lambda p: dict(enumerate(p)).values()),
    "items": (type({}.items()), lambda v: [list(pair) for pair in v], lambda p: dict(p).items()),
    "ellipsis": (type(...), lambda v: 0, lambda p: ...),
    "unimplemented": (type(NotImplemented), lambda v: 0, lambda p: NotImplemented),
}  # fmt: skip
"""Tag → its type, the parts that are sent, the value from its parts."""
