"""Which failures a route can answer with, read from the code: from its view through whatever that calls."""

import ast
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from chassis.db.statements import Prepared
from chassis.errors import AppError, UnknownReference

_LARGEST_TABLE = 50
_LEFT_OUT = "…"
_WRITTEN = re.compile(r"(?:INSERT INTO|UPDATE) (\w+)")
_Cached = type(cache(lambda: None))
_FUNCTIONS = (types.FunctionType, types.MethodType, _Cached)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Failure:
    """A kind of failure: what HTTP and programs call it, and the sentence for people."""

    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class _Some:
    """A value of which nothing but its class is known."""

    kind: type


class _Unknown:
    """A value of which nothing is known."""


_UNKNOWN = _Unknown()


@dataclass
class Read:
    """What one function says by itself: failures, the tables that are named, the codes that nobody can tell.

    `asks` says that a record of another service may be missed, which is then asked for; `leads` are the keys of what it
    calls and names. `kept` are values that the key tells apart by what they are, so that none takes another's place.
    """

    failures: set[Failure] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)
    asks: bool = False
    leads: set[Any] = field(default_factory=set)
    kept: tuple[Any, ...] = ()


@dataclass
class Reach:
    """What is reached from some functions.

    `packages` are the names of the packages that are read; `open_codes` names the values of codes that are put together
    when they are raised: `company_*` → `("company_suspended", …)`. `known` is what was read of the same packages
    before: functions that many routes lead to are read once.
    """

    packages: frozenset[str]
    open_codes: Mapping[str, Iterable[str]]
    known: dict[Any, Read] = field(default_factory=dict)
    _here: Read = field(default_factory=Read)

    def all(self) -> Read:
        """All that is reached from what was followed."""
        every, keys = Read(), set[Any]()
        waiting = [self._here]
        while waiting:
            read = waiting.pop()
            every.failures |= read.failures
            every.tables |= read.tables
            every.faults |= read.faults
            every.asks = every.asks or read.asks
            waiting += [self.known[key] for key in read.leads - keys]
            keys |= read.leads
        return every

    def follow(self, function: Any, arguments: Mapping[str, Any] | None = None) -> None:
        """Read a function, and whatever it names, once for each set of texts that it is called with."""
        while isinstance(function, partial | _Cached):
            function = function.func if isinstance(function, partial) else function.__wrapped__
        given = dict(arguments or {})
        if isinstance(function, types.MethodType):
            given["self"] = function.__self__
            function = function.__func__
        if not isinstance(function, types.FunctionType) or not self.ours(function.__module__):
            return
        # Texts are told apart by what they say, everything else by what it is.
        by_name = sorted((name, value if isinstance(value, str) else id(value)) for name, value in given.items())
        key = (function.__code__, tuple(by_name), tuple(map(id, _closure(function).values())))
        definition = _definition(function)
        if definition is None:
            return
        with self._new(key, *given.values(), *_closure(function).values()) as new:
            if new:
                known = {**function.__globals__, **_closure(function), **_parameters(function), **given}
                reader = _Reader(self, function, known)
                for statement in definition.body if isinstance(definition.body, list) else [definition.body]:
                    reader.visit(statement)

    @contextmanager
    def _new(self, key: Any, *kept: Any) -> Iterator[bool]:
        """Whether it is to be read now; what is read meanwhile is its own."""
        self._here.leads.add(key)
        if key in self.known:
            yield False
            return
        before, self._here = self._here, Read(kept=kept)
        self.known[key] = self._here
        yield True
        self._here = before

    def note(self, value: Any) -> None:
        """Take down what a value that is named says."""
        if isinstance(value, AppError):
            self._here.failures.add(Failure(value.status, value.code, value.detail))
        elif isinstance(value, Table):
            self._here.tables.add(value.name)
        elif isinstance(value, Prepared):
            self._here.tables.update(_WRITTEN.findall(value.sql))
        elif isinstance(value, _FUNCTIONS):
            self.follow(value)
        elif isinstance(value, dict | tuple | list) and len(value) <= _LARGEST_TABLE:
            with self._new(id(value), value) as new:
                for each in (value.values() if isinstance(value, dict) else value) if new else ():
                    self.note(each)
        elif self.ours(type(value).__module__):
            for name in ("table", "view"):
                self.note(getattr(value, name, None))

    def made(self, kind: type[AppError], codes: Iterable[str], detail: str, place: str) -> None:
        """Take down that a failure of a kind is made at a place of the code."""
        self._here.asks = self._here.asks or issubclass(kind, UnknownReference)
        for code in codes:
            if code in self.open_codes:
                self._here.failures.update(Failure(kind.status, each, detail) for each in self.open_codes[code])
            elif "*" in code:
                self._here.faults.add(f"{place}: which codes are {code}? The service's open_codes is to say it.")
            else:
                self._here.failures.add(Failure(kind.status, code, detail))

    def ours(self, module: str, but: str = "") -> bool:
        """Whether a module is among those that are read."""
        return module.partition(".")[0] in self.packages and module != but


class _Reader(ast.NodeVisitor):
    """Reads one function's statements in their order, knowing what its names stand for as far as the code says it."""

    def __init__(self, reach: Reach, function: types.FunctionType, known: dict[str, Any]) -> None:
        self._reach = reach
        self._function = function
        self._known = known

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name):
                self._known[target.id] = self._value(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = self._value(node.func)
        if isinstance(called, type) and issubclass(called, AppError):
            self._make(called, node)
        elif isinstance(called, type):
            made = inspect.getattr_static(called, "__init__")
            self._reach.follow(made, self._arguments(made, node, bound=True))
        elif callable(called):
            self._reach.follow(called, self._arguments(called, node, bound=isinstance(called, types.MethodType)))
        else:
            self.visit(node.func)
        if callable(called) and isinstance(node.func, ast.Attribute):
            self.visit(node.func.value)
        for argument in chain(node.args, (keyword.value for keyword in node.keywords)):
            self.visit(argument)

    def visit_Name(self, node: ast.Name) -> None:
        self._reach.note(self._value(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        value = self._value(node)
        if isinstance(value, property) and value.fget is not None:
            self._reach.follow(value.fget, {"self": self._value(node.value)})
        self._reach.note(value)
        self.visit(node.value)

    def _make(self, kind: type[AppError], node: ast.Call) -> None:
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        code, detail = given.get("code"), given.get("detail")
        if node.args:
            code = node.args[0]
            detail = node.args[1] if len(node.args) > 1 else detail
        if code is None or any(isinstance(each, ast.Starred) for each in node.args):
            return
        place = f"{self._function.__module__}:{node.lineno}"
        self._reach.made(kind, self._texts(code, "*"), " ".join(self._texts(detail, _LEFT_OUT)), place)

    def _arguments(self, function: Any, node: ast.Call, *, bound: bool) -> dict[str, Any]:
        """What a function of ours is called with, as far as these are texts, functions or values of our own kinds."""
        inner = function.__wrapped__ if isinstance(function, _Cached) else function
        if not isinstance(inner, types.FunctionType | types.MethodType):
            return {}
        code = getattr(inner, "__func__", inner).__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount][1 if bound else 0 :]
        pairs = [*zip(names, node.args, strict=False), *((each.arg, each.value) for each in node.keywords if each.arg)]
        values = {name: self._value(value) for name, value in pairs}
        return {
            name: value
            for name, value in values.items()
            if isinstance(value, (str, *_FUNCTIONS)) or self._reach.ours(type(value).__module__, but=__name__)
        }

    def _texts(self, node: ast.expr | None, gap: str) -> list[str]:
        """The texts that an expression may be, with `gap` where nobody can tell."""
        if node is None:
            return []
        if isinstance(node, ast.IfExp):
            return [*self._texts(node.body, gap), *self._texts(node.orelse, gap)]
        if isinstance(node, ast.JoinedStr):
            parts = [
                str(part.value) if isinstance(part, ast.Constant) else "".join(self._texts(part.value, gap)[:1])
                for part in node.values
                if isinstance(part, ast.Constant | ast.FormattedValue)
            ]
            return ["".join(parts)]
        value = self._value(node)
        if isinstance(value, property) and isinstance(node, ast.Attribute):
            value = _computed(value, self._value(node.value))
        return [str(value) if isinstance(value, str | int) else gap]

    def _value(self, node: ast.expr) -> Any:  # noqa: PLR0911  # A table of expressions.
        """What an expression stands for, as far as the code alone says it."""
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._known.get(node.id, _UNKNOWN)
            case ast.Attribute():
                return _attribute(self._value(node.value), node.attr)
            case ast.Call(func=ast.Attribute(attr="replace"), args=[ast.Constant(), ast.Constant()]):
                text, (old, new) = self._value(node.func.value), (each.value for each in node.args)  # type: ignore[attr-defined]
                return text.replace(old, new) if isinstance(text, str) else _UNKNOWN
            case ast.Call():
                called = self._value(node.func)
                return _Some(called) if isinstance(called, type) else _hinted(_hints(called).get("return"))
            case ast.BoolOp() | ast.IfExp():
                choices = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
                known = [value for value in map(self._value, choices) if value is not _UNKNOWN and value is not None]
                return known[0] if known else _UNKNOWN
        return _UNKNOWN


def _attribute(owner: Any, name: str) -> Any:
    """An attribute of a value; of one of which only the class is known, a method bound to it or what the hint says."""
    if isinstance(owner, _Unknown):
        return _UNKNOWN
    if not isinstance(owner, _Some):
        try:
            found = inspect.getattr_static(type(owner), name, None)
            return found if isinstance(found, property) else getattr(owner, name, _UNKNOWN)
        except Exception:  # noqa: BLE001  # A proxy of Flask's outside of a request, for instance.
            return _UNKNOWN
    found = inspect.getattr_static(owner.kind, name, _UNKNOWN)
    if isinstance(found, types.FunctionType):
        return types.MethodType(found, owner)
    if isinstance(found, property | staticmethod):
        return found if isinstance(found, property) else found.__func__
    return _hinted(_hints(owner.kind).get(name))


def _computed(of: property, owner: Any) -> Any:
    """What a property says of a value that is known."""
    if isinstance(owner, _Some | _Unknown) or of.fget is None:
        return _UNKNOWN
    try:
        return of.fget(owner)
    except Exception:  # noqa: BLE001  # It may need what only a running process has.
        return _UNKNOWN


def _hinted(hint: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next((each for each in typing.get_args(hint) if each is not types.NoneType), None)
    return _Some(hint) if isinstance(hint, type) else _UNKNOWN


def _hints(value: Any) -> dict[str, Any]:
    function = getattr(value, "__func__", value)
    return _read_hints(function) if isinstance(function, types.FunctionType | type) else {}


@cache
def _read_hints(value: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(value)
    except Exception:  # noqa: BLE001  # What has no hints that can be read has none.
        return {}


def _parameters(function: types.FunctionType) -> dict[str, Any]:
    """A function's parameters; they hide globals of the same name."""
    code, hints = function.__code__, _hints(function)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return {name: _hinted(hints.get(name)) for name in names}


def _closure(function: types.FunctionType) -> dict[str, Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: cell.cell_contents for name, cell in cells}


def _definition(function: types.FunctionType) -> _Definition | None:
    """Where a function is written; None for one that is written nowhere."""
    return _definitions(function.__code__.co_filename).get(function.__code__.co_firstlineno)


@cache
def _definitions(path: str) -> dict[int, _Definition]:
    found: dict[int, _Definition] = {}
    if not Path(path).is_file():
        return found
    for node in ast.walk(ast.parse(Path(path).read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found[min(node.lineno, *(each.lineno for each in node.decorator_list), sys.maxsize)] = node
        elif isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, node)
    return found
