"""Finds every call that a service makes to another one, and what its code says about it: method, path, query, body.

A value that only a running program knows becomes `*` in a path and UNKNOWN in a query or a body. What can't be followed
to its names, such as a body that is a bare parameter, raises Unresolved.
"""

import ast
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from gatehouse_chassis.events.following import Following
from gatehouse_chassis.service.client import PeerClient
from gatehouse_portal.shell.peers import Peers

from .code_scope import Field, Module, Scope, Unresolved, is_name, mentions

METHODS = {"get": "GET", "find": "GET", "post": "POST", "patch": "PATCH"}
# The feed of events is read and answered by the chassis itself, with one struct.
PLUMBING = {inspect.getfile(one) for one in (PeerClient, Peers, Following)}

# A module without any of these calls no other service: see `_asks`.
ASKING = ("Peers", ".call(")


class Call(NamedTuple):
    """A call of one service to another. `path` has `*` where the code puts a value.

    `body` is None where there is none; with `bodiless` it may be left out.
    """

    place: str
    method: str
    path: str
    shape: Any
    query: dict[str, Field]
    body: dict[str, Field] | None
    bodiless: bool
    versioned: bool


def calls_of(package: Path) -> Iterator[Call]:
    """All calls of a service's package. Raises Unresolved with the place of one that can't be followed."""
    modules = [Module(package, file) for file in sorted(package.rglob("*.py")) if str(file) not in PLUMBING]
    for module in modules:
        if not any(words in module.text for words in ASKING):
            continue  # most of them; reading every module's tree takes two seconds of each worker
        for node in module.calls:
            if _asks(module, node):
                place = f"{module.file.relative_to(package.parent.parent)}:{node.lineno}"
                for number, scope in enumerate(_scopes(modules, module, node)):
                    try:
                        yield from _resolved(place if not number else f"{place}#{number}", node, scope)
                    except Unresolved as problem:
                        raise Unresolved(f"{place}: {problem}") from None


def _asks(module: Module, node: ast.Call) -> bool:
    """`peers.get(...)` and `peers.ask(...)` of a page; `service.call("person").find(...)`, or by a variable."""
    if not isinstance(node.func, ast.Attribute):
        return False
    owner = node.func.value
    if node.func.attr in {"ask", *METHODS, "request"} and isinstance(owner, ast.Name):
        scope = Scope(module, node, {})
        if "Peers" in str(_annotation_text(scope, owner.id)):
            return True
        return any(_is_client(value) for value in scope.assigned(owner.id))
    return node.func.attr in {*METHODS, "request"} and _is_client(owner)


def _annotation_text(scope: Scope, name: str) -> str:
    for function in scope.functions:
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            if argument.arg == name and argument.annotation is not None:
                return ast.unparse(argument.annotation)
        for node in ast.walk(function):
            if isinstance(node, ast.AnnAssign) and is_name(node.target, name):
                return ast.unparse(node.annotation)
    return ""


def _is_client(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "call"


def _scopes(modules: list[Module], module: Module, node: ast.Call) -> Iterator[Scope]:
    """One; or, in a function that passes its own parameters on as path or type, one for each caller of it."""
    alone = Scope(module, node, {})
    function = alone.functions[0] if alone.functions else None
    if function is not None:
        names = [argument.arg for argument in function.args.args]
        passed = [name for name in names if alone.annotation(name) is str and mentions(node, name)]
        callers = [
            (call, Scope(other, call, {}))
            for other in (modules if passed else ())
            if f"{function.name}(" in other.text
            for call in other.calls
            if is_name(call.func, function.name)
        ]
        for call, around in callers:
            given = zip(names, call.args, strict=False)
            yield Scope(module, node, {name: (value, around) for name, value in given})
        if callers:
            return
    yield alone


def _resolved(place: str, node: ast.Call, scope: Scope) -> Iterator[Call]:
    assert isinstance(node.func, ast.Attribute)
    name = node.func.attr
    options = {keyword.arg: keyword.value for keyword in node.keywords}
    of_peers = _text_of(node.args[0], scope) is None or not next(iter(scope.texts(node.args[0]))).startswith("/")
    arguments = node.args[1:] if of_peers else node.args
    if name in ("ask", "request"):
        method, arguments = str(scope.evaluated(arguments[0])), arguments[1:]
    else:
        method = METHODS[name]
    if of_peers and name == "get":
        query = _keywords(node, scope)
    else:
        query = scope.fields(options["params"]) if "params" in options else {}
    body = scope.fields(options["json"]) if "json" in options else None
    bodiless = "json" not in options or type(None) in typing.get_args(scope.typed(options["json"]))
    shape = scope.shape(arguments[1])
    for path in sorted(scope.texts(arguments[0])):
        yield Call(place, method.lower(), path, shape, query, body, bodiless, "version" in options)


def _text_of(node: ast.expr, scope: Scope) -> set[str] | None:
    try:
        return scope.texts(node)
    except Unresolved:
        return None


def _keywords(node: ast.Call, scope: Scope) -> dict[str, Field]:
    """Of `peers.get`, which leaves out what is None or empty."""
    query: dict[str, Field] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            query |= scope.fields(keyword.value)
        else:
            query[keyword.arg] = Field(True, scope.known(keyword.value))
    return query
