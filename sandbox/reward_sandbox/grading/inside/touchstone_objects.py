"""Objects of another process by handles: what JSON can carry is copied, all else stays where it is and is asked.

    tests ── {"do": "call", "with": [handle, args, kwargs]} ──▶ solution
          ◀─ {"result": value, "changed": […], "out": text} or {"error": […]} ──

Either side may ask while the other waits: a function that the tests pass is called back. The tests' side is guarded: the
other one gets no private names and no frames of it, and never decides alone that a value of its own equals a plain one.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import itertools
import json
import operator
import sys
from collections.abc import Callable
from typing import Any

from touchstone_codec import NotPlain, decode, encode, plain_value
from touchstone_submission import send

MAX_OUTPUT = 1 << 18
_INSPECTION = ("gi_", "cr_", "ag_", "tb_", "f_", "co_", "func_")
_MUTABLE = (list, dict, set, bytearray)


class Cannot(BaseException):
    """Something that handles do not carry: the tests must run beside the solution. Not for `except Exception` to catch."""


class Gone(BaseException):
    """The other side has ended, or answers nonsense. Not for `except Exception` to catch: no test may pass by it."""


class Remote(Exception):  # never raised itself
    """The base of the solution's own classes of errors."""


class Peer:
    """One side of the conversation."""

    def __init__(
        self, reading: int, writing: int, *, guarded: bool, objects: bool = False, reflect: bool = False
    ) -> None:
        self._lines = open(reading, "rb", closefd=False)  # noqa: SIM115  # for as long as the process lives
        self._writing = writing
        self.guarded, self.objects, self.reflect = guarded, objects, reflect
        self._objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._proxies: dict[int, Any] = {}
        self.module: Any = None
        self.prelude_names: dict[str, Any] = {}
        self.calls = 0
        self.entry = ""
        """The last word of the function that is asked for."""
        self.is_weak = self.has_withheld = False

    # --- asking

    def ask(self, operation: str, *arguments: Any) -> Any:
        """What the other side answers. Raises what it raised there, Gone."""
        return self.result(self._exchange(operation, arguments))

    def _exchange(self, operation: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
        try:
            self._send({"do": operation, "with": [self.outward(argument) for argument in arguments]})
        except (NotPlain, ValueError) as error:
            raise Cannot(str(error)) from None
        while True:
            message = self._receive()
            if message is None:
                raise Gone("the solution has ended")
            if "do" not in message:
                return message
            self.answer(message)

    def result(self, message: dict[str, Any]) -> Any:
        if self.guarded and message.get("out"):
            sys.stdout.write(str(message["out"]))
        if "stop" in message:
            raise StopIteration(self._understood(self.inward, message.get("value")))
        if "error" in message:
            raise self._understood(self._error, message["error"])
        return self._understood(self.inward, message.get("result"))

    def _understood(self, read: Callable[[Any], Any], content: Any) -> Any:
        try:
            return read(content)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
            raise Gone("the solution answered nonsense") from None

    def call(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, discarded: bool) -> Any:
        """A call of the other side's function. What it did to its arguments is seen where the tests are about that: when
        they drop the result, when there is none, and else on `reflect`.
        """
        self.calls += 1
        message = self._exchange("call", (target, list(args), kwargs))
        changes = message.get("changed") or []
        if changes and ("error" in message or discarded or message.get("result") is None or self.reflect):
            with contextlib.suppress(ValueError, TypeError, LookupError, AttributeError):
                for place, content in changes:
                    _replace(args[place], self.inward(content))
                if isinstance(message.get("same"), int):
                    return args[message["same"]]
        elif changes:
            self.has_withheld = True
        try:
            return self.result(message)
        except StopIteration:
            if object.__getattribute__(target, "__dict__").get("_resumes"):
                raise
            raise RuntimeError("the solution raised StopIteration") from None  # it would end the tests' own loops

    # --- answering

    def serve(self) -> None:
        """Answer until the other side has ended."""
        while (message := self._receive()) is not None:
            self.answer(message)

    def answer(self, message: dict[str, Any]) -> None:
        try:
            reply = self._done(str(message["do"]), [self.inward(item) for item in message["with"]], message["with"])
            text = json.dumps(reply)
        except Exception as error:
            text = json.dumps({"error": self._described(error)})
        send(self._writing, text.encode() + b"\n")

    def _done(self, operation: str, arguments: list[Any], raw: list[Any]) -> dict[str, Any]:
        if operation == "name":
            if arguments[0] in self.prelude_names:
                return {"result": self.outward(self.prelude_names[arguments[0]])}
            if not hasattr(self.module, arguments[0]):
                return {"missing": True, "result": None}
            return {"result": self.outward(getattr(self.module, arguments[0]))}
        if operation == "next":
            try:
                return {"result": self.outward(next(arguments[0]))}
            except StopIteration as end:
                return {"stop": True, "value": self.outward(end.value)}
        if operation == "call":
            target, args, kwargs = arguments
            return self._called(target, args, kwargs, raw[1])
        if operation in ("get", "set"):
            self._check_name(arguments[1])
        return {"result": self.outward(OPERATIONS[operation](*arguments))}

    def _called(self, target: Any, args: list[Any], kwargs: dict[str, Any], raw: list[Any]) -> dict[str, Any]:
        output, own = io.StringIO(), sys.stdout
        if not self.guarded:
            sys.stdout = output
        try:
            result = target(*args, **kwargs)
        except StopIteration as end:
            reply: dict[str, Any] = {"stop": True, "value": self.outward(end.value)}
        except Exception as error:
            reply = {"error": self._described(error)}
        else:
            reply = {"result": self.outward(result)}
            same = [place for place, item in enumerate(args) if item is result and isinstance(item, _MUTABLE)]
            reply |= {"same": same[0]} if same else {}
        finally:
            if not self.guarded:
                sys.stdout = own
        text = output.getvalue()
        own.write(text)
        reply["out"] = text if len(text) <= MAX_OUTPUT else ""
        pairs = [(place, item) for place, item in enumerate(args) if isinstance(item, _MUTABLE)]
        after = [[place, self.outward(item)] for place, item in pairs]
        reply["changed"] = [[place, content] for place, content in after if content != raw[place]]
        return reply

    def _check_name(self, name: str) -> None:
        if self.guarded and name not in _DESCRIBING and (name.startswith(("_", *_INSPECTION))):
            raise AttributeError(name)

    # --- values

    def outward(self, value: Any) -> Any:
        return encode(value, 0, self._handle)

    def inward(self, value: Any) -> Any:
        return decode(value, 0, self._handled)

    def _handle(self, value: Any, depth: int) -> Any:
        if isinstance(value, Proxy) and _parts(value)[0] is self:
            return {"__yours__": _parts(value)[1]}
        handle = getattr(type(value), "_handle", None)
        if isinstance(handle, Proxy):
            return {"__yours__": _parts(handle)[1]}
        if isinstance(value, type) and issubclass(value, BaseException):
            return {"__mine__": [self._number(value), "exception", *_ancestry(value)]}
        number = self._number(value)
        try:
            plain = plain_value(value)
        except NotPlain:
            return {"__mine__": [number, _kind_of(value)]}
        return {"__sub__": [encode(plain, depth + 1, self._handle), number]}

    def _number(self, value: Any) -> int:
        """Of an object that stays here: the same for the same object, which is kept for as long as this process lives."""
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._objects)
            self._objects.append(value)
        return self._numbers[id(value)]

    def _handled(self, tag: str, content: Any) -> Any:
        if tag == "yours":
            return self._objects[content]
        if tag == "sub":
            return self._with_more(self.inward(content[0]), int(content[1]))
        if tag != "mine":
            raise ValueError("no such tag")
        number, kind, *more = content
        if number not in self._proxies:
            self._proxies[number] = self._exception(*more) if kind == "exception" else _KINDS[kind](self, int(number))
        return self._proxies[number]

    def _with_more(self, value: Any, number: int) -> Any:
        """A plain value whose further attributes are the other side's, such as a named tuple's."""
        kind = type(value)
        if kind is bool:
            return value
        proxy = Proxy(self, number)
        more = type(kind.__name__, (kind,), {"__getattr__": lambda _, name: _attribute(proxy, name), "_handle": proxy})
        return more(value)

    # --- errors

    def _described(self, error: BaseException) -> list[Any]:
        arguments = []
        for argument in error.args:
            try:
                arguments.append(encode(argument))
            except (NotPlain, ValueError):
                arguments.append(str(argument)[:1000])
        kind = type(error)
        number = None if kind.__module__ in sys.stdlib_module_names else self._number(kind)
        with contextlib.suppress(Exception):
            return [number, _ancestry(kind), arguments, str(error)[:1000]]
        return [number, _ancestry(kind), [], ""]

    def _error(self, described: list[Any]) -> BaseException:
        number, ancestry, arguments, text = described
        if number is None:
            kind = _standard(*ancestry[:2]) or self._exception(*ancestry)
        else:
            kind = self._proxies.setdefault(number, self._exception(*ancestry))
        values = [decode(argument) for argument in arguments]
        try:
            error = kind(*values)
        except Exception:
            error = Remote(str(text))
        with contextlib.suppress(AttributeError):
            error.is_remote = True
        return error  # type: ignore[no-any-return]

    def _exception(self, module: str, name: str, bases: list[list[str]]) -> Any:
        """A class for the solution's class of errors. Its name and bases count; but where the solution has given another
        name to AssertionError or Exception, this is a class of its own: no `except` may catch what the tests raise.
        """
        if name not in _CATCH_ALL and (standard := _standard(module, name)) is not None:
            return standard
        own = (base for pair in bases if (base := _standard(*pair)) is not None and base.__name__ not in _CATCH_ALL)
        return type(str(name), (Remote, *list(own)[:1]), {"__module__": "solution"})

    # --- the pipe

    def _send(self, message: dict[str, Any]) -> None:
        try:
            send(self._writing, json.dumps(message).encode() + b"\n")
        except BrokenPipeError:
            raise Gone("the solution has ended") from None

    def _receive(self) -> dict[str, Any] | None:
        line = self._lines.readline()
        if not line:
            return None
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise Gone("the solution answered nonsense") from None
        if not isinstance(message, dict):
            raise Gone("the solution answered nonsense")
        return message


_DESCRIBING = ("__name__", "__qualname__", "__doc__", "__module__")
_CATCH_ALL = ("AssertionError", "Exception")
_NEVER = ("StopIteration", "StopAsyncIteration", "GeneratorExit", "SkipTest")


def _standard(module: str, name: str) -> Any:
    """An exception class of the standard library that may be raised in the tests' process, or None."""
    if name in _NEVER or module not in sys.stdlib_module_names or module.partition(".")[0] == "unittest":
        return None
    kind = getattr(builtins if module == "builtins" else sys.modules.get(module), name, None)
    is_error = isinstance(kind, type) and issubclass(kind, Exception)
    return kind if is_error else None


def _ancestry(kind: type) -> list[Any]:
    bases = [
        [base.__module__, base.__name__] for base in kind.__mro__[1:] if base.__module__ in sys.stdlib_module_names
    ]
    return [kind.__module__, kind.__name__, bases]


def _replace(target: Any, content: Any) -> None:
    if isinstance(target, (list, bytearray)):
        target[:] = content
    else:
        target.clear()
        target.update(content)


# --- handles ----------------------------------------------------------------------------------------------------------


def _setattr(target: Any, name: str, value: Any) -> None:
    setattr(target, name, value)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "get": getattr,
    "set": _setattr,
    "bool": bool, "len": len, "iter": iter, "str": str, "repr": repr, "float": float, "int": int, "hash": hash,
    "round": round, "reversed": reversed, "divmod": divmod, "format": format, "is_instance": isinstance,
    "equal": lambda a, b: bool(a == b),
    "enter": lambda target: target.__enter__(),
    "exit": lambda target: bool(target.__exit__(None, None, None)),
    **{
        name: getattr(operator, name)
        for name in (
            "lt", "le", "gt", "ge", "getitem", "setitem", "delitem", "contains", "abs", "neg", "pos", "invert", "index",
            "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift",
            "iadd", "isub", "imul", "ior", "iand",
        )
    },
}  # fmt: skip


def _parts(handle: Any) -> tuple[Peer, int]:
    return object.__getattribute__(handle, "_peer"), object.__getattribute__(handle, "_number")


def _attribute(handle: Any, name: str) -> Any:
    peer, _ = _parts(handle)
    if name.startswith("__") and name not in (*_DESCRIBING, "__dict__", "__annotations__", "__wrapped__"):
        raise AttributeError(name)
    value = peer.ask("get", handle, name)
    if name in ("send", "throw") and isinstance(value, Proxy):
        object.__setattr__(value, "_resumes", True)  # of a generator: here StopIteration is an answer
    return value


class Proxy:
    # A handle: everything is asked of the side that has the object.

    def __init__(self, peer: Peer, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return _attribute(self, "__doc__")

    def __getattr__(self, name: str) -> Any:
        peer, _ = _parts(self)
        value = _attribute(self, name)
        if peer.guarded and not peer.objects and type(self) is Proxy and isinstance(value, CallableProxy):
            # A result that answers for itself: no plain value could say yes to everything.
            peer.is_weak = peer.is_weak or name != peer.entry
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        _parts(self)[0].ask("set", self, name, value)

    def __eq__(self, other: object) -> bool:
        peer, _ = _parts(self)
        if self is other:
            return True
        if peer.guarded:
            if not (peer.objects or isinstance(other, Proxy)):
                return False  # else a solution's object could call itself equal to what the tests expect
            peer.is_weak = True
        return bool(peer.ask("equal", self, other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        peer, number = _parts(self)
        return int(peer.ask("hash", self)) if peer.guarded and peer.objects else hash(number)

    def __contains__(self, item: Any) -> bool:
        peer, _ = _parts(self)
        if peer.guarded and not peer.objects:
            return any(item == own for own in iter(self))
        peer.is_weak = True
        return bool(peer.ask("contains", self, item))

    def __next__(self) -> Any:
        return _parts(self)[0].ask("next", self)

    def __exit__(self, *error: object) -> bool:
        if error[0] is not None:
            raise Cannot("an error leaves the solution's context")
        return bool(_parts(self)[0].ask("exit", self))

    def __mro_entries__(self, bases: Any) -> Any:
        raise Cannot("the tests derive a class from the solution's")

    def __await__(self) -> Any:
        raise Cannot("the tests await the solution")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise Cannot("the tests copy the solution's objects")


class CallableProxy(Proxy):
    # A handle of a function.
    __doc__ = Proxy.__dict__["__doc__"]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _parts(self)[0].call(self, args, kwargs, discarded=_is_discarded(sys._getframe(1)))


class ClassProxy(CallableProxy):
    # A handle of a class.
    __doc__ = Proxy.__dict__["__doc__"]

    def __instancecheck__(self, value: Any) -> bool:
        peer, _ = _parts(self)
        value = getattr(type(value), "_handle", value)
        return isinstance(value, Proxy) and bool(peer.ask("is_instance", value, self))


class BuiltinProxy(Proxy):
    # A handle of an object whose class no program has written, such as a generator.
    pass


_KINDS: dict[str, Callable[[Peer, int], Any]] = {
    "object": Proxy, "builtin": BuiltinProxy, "callable": CallableProxy, "class": ClassProxy
}  # fmt: skip
_WRITTEN = 1 << 9
"""The flag of classes that are made while a program runs."""


def _kind_of(value: Any) -> str:
    if isinstance(value, type):
        return "class"
    if callable(value):
        return "callable"
    return "object" if type(value).__flags__ & _WRITTEN else "builtin"


_FOLLOWERS: dict[Any, dict[int, str]] = {}


def _is_discarded(frame: Any) -> bool:
    """Whether the caller drops what the call gives: the tests are about something else, then."""
    code = frame.f_code
    if code not in _FOLLOWERS:
        import dis

        steps = list(dis.get_instructions(code))
        _FOLLOWERS[code] = {step.offset: after.opname for step, after in itertools.pairwise(steps)}
    return _FOLLOWERS[code].get(frame.f_lasti) == "POP_TOP"


def _operator(name: str, *, compares: bool = False, reflected: bool = False) -> Callable[..., Any]:
    def ask(self: Any, *others: Any) -> Any:
        peer, _ = _parts(self)
        if compares and peer.guarded:
            if not (peer.objects or all(isinstance(other, Proxy) for other in others)):
                return NotImplemented
            peer.is_weak = True
        return peer.ask(name, *others, self) if reflected else peer.ask(name, self, *others)

    return ask


for _name in ("bool", "len", "iter", "str", "repr", "float", "int", "round", "reversed", "divmod", "format", "enter",
              "getitem", "setitem", "delitem", "abs", "neg", "pos", "invert", "index",
              "iadd", "isub", "imul", "ior", "iand"):  # fmt: skip
    setattr(Proxy, f"__{_name}__", _operator(_name))
for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
):
    setattr(Proxy, f"__{_name.rstrip('_')}__", _operator(_name))
    setattr(Proxy, f"__r{_name.rstrip('_')}__", _operator(_name, reflected=True))
for _name in ("lt", "le", "gt", "ge"):
    setattr(Proxy, f"__{_name}__", _operator(_name, compares=True))
