"""Which public methods of a class write to the books: read from their source, through every method and function of haven that they call."""

import ast
import inspect
import textwrap
import typing
from collections.abc import Callable, Iterator
from typing import Any

WRITES = {("store", "write"), ("store", "later"), ("store", "transaction"), ("ledger", "transaction"), ("ledger", "record")}
"""Whose method, by the last name before the dot without underscores, hands work to the one writer."""


def writing_methods(cls: type) -> set[str]:
    """The names of the public methods of `cls` whose call may reach the writer."""
    names = (name for name, value in vars(cls).items() if inspect.isfunction(value) and not name.startswith("_"))
    return {name for name in names if _writes(cls, vars(cls)[name], set())}


def _writes(cls: type | None, function: Callable[..., Any], seen: set[str]) -> bool:
    if function.__qualname__ in seen or function.__code__.co_filename.startswith("<"):  # a dataclass's own have no source
        return False
    seen.add(function.__qualname__)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(_call_writes(cls, function, call, seen) for call in ast.walk(tree) if isinstance(call, ast.Call))


def _call_writes(cls: type | None, function: Callable[..., Any], call: ast.Call, seen: set[str]) -> bool:
    called = call.func
    if isinstance(called, ast.Attribute) and (_last(called.value), called.attr) in WRITES:
        return True
    return any(_writes(owner, found, seen) for owner, found in _resolved(cls, function, called))


def _last(node: ast.expr) -> str:
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name.strip("_")


def _resolved(cls: type | None, function: Callable[..., Any], called: ast.expr) -> Iterator[tuple[type | None, Callable[..., Any]]]:
    """What a call's name stands for, where it is haven's: a function, or a method of the object or of one of its fields."""
    if isinstance(called, ast.Name):
        found = function.__globals__.get(called.id)
        if inspect.isfunction(found) and found.__module__.startswith("haven."):
            yield None, found
    elif isinstance(called, ast.Attribute):
        owner = _type_of(cls, function, called.value)
        method = getattr(owner, called.attr, None)
        if inspect.isfunction(method) and method.__module__.startswith("haven.") and method.__name__ != "__init__":
            yield (owner if isinstance(owner, type) else None), method


def _type_of(cls: type | None, function: Callable[..., Any], node: ast.expr) -> Any:  # noqa: ANN401 - a class, a module, or nothing
    if isinstance(node, ast.Name):
        found = function.__globals__.get(node.id)
        return cls if node.id == "self" else found if inspect.ismodule(found) else None
    if isinstance(node, ast.Attribute):
        owner = _type_of(cls, function, node.value)
        return _fields(owner).get(node.attr) if isinstance(owner, type) else None
    return None


def _fields(cls: type) -> dict[str, Any]:
    """The classes of an object's fields: as they are annotated, and as `__init__` makes them."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("haven."):
            found |= {name: hint for name, hint in typing.get_type_hints(base).items() if inspect.isclass(hint)}
            found |= _made_in_init(base)
    return found


def _made_in_init(cls: type) -> dict[str, Any]:
    begin = vars(cls).get("__init__")
    if not inspect.isfunction(begin) or begin.__code__.co_filename.startswith("<"):
        return {}
    found = {}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(begin)))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            made = begin.__globals__.get(node.value.func.id)
            for target in node.targets:
                if inspect.isclass(made) and isinstance(target, ast.Attribute):
                    found[target.attr] = made
    return found
