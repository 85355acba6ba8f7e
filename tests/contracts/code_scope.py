"""What the names at a place in a service's code stand for, read without running it."""

import ast
import functools
import importlib
import itertools
import types
import typing
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from gatehouse_portal.shell.query import chosen

UNKNOWN = object()


class Unresolved(Exception):
    """What a call sends can't be told from its code."""


class Field(NamedTuple):
    """Whether it is always sent, and its value or UNKNOWN."""

    always: bool
    value: Any = UNKNOWN


class Module:
    """A file of a service's package: its tree, and its names as they are when it is imported."""

    def __init__(self, package: Path, file: Path) -> None:
        self.file = file
        self.text = file.read_text(encoding="utf-8")
        parts = file.relative_to(package).with_suffix("").parts
        self.name = ".".join((package.name, *(part for part in parts if part != "__init__")))

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(ast.parse(self.text)) for child in ast.iter_child_nodes(node)}

    @cached_property
    def names(self) -> dict[str, Any]:
        return vars(importlib.import_module(self.name))

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.parents if isinstance(node, ast.Call)]

    def functions_around(self, node: ast.AST) -> list[ast.AST]:
        """From the innermost one."""
        around = []
        while node in self.parents:
            node = self.parents[node]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                around.append(node)
        return around


class Scope:
    """What the names at a call stand for. `given`: the arguments of a caller, for a function that passes them on."""

    def __init__(self, module: Module, node: ast.AST, given: dict[str, tuple[ast.expr, "Scope"]]) -> None:
        self.module = module
        self.functions: list[Any] = module.functions_around(node)
        self.given = given

    def assigned(self, name: str) -> list[ast.expr]:
        """The expressions that the functions around assign to a variable."""
        found = []
        for function in self.functions[:1]:
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and any(is_name(target, name) for target in node.targets):
                    found.append(node.value)
                if isinstance(node, ast.AnnAssign) and is_name(node.target, name) and node.value is not None:
                    found.append(node.value)
        return found

    def annotation(self, name: str) -> Any:
        """The type of a parameter, or of what a loop takes from an annotated one; None where there is none."""
        for function in self.functions:
            arguments = [*function.args.args, *function.args.kwonlyargs, *function.args.posonlyargs]
            for argument in arguments:
                if argument.arg == name and argument.annotation is not None:
                    return self.evaluated(argument.annotation)
            for node in ast.walk(function):
                if isinstance(node, ast.For) and is_name(node.target, name) and isinstance(node.iter, ast.Name):
                    return (typing.get_args(self.annotation(node.iter.id)) or [None])[0]
        return None

    def evaluated(self, node: ast.expr) -> Any:
        """Raises Unresolved where it isn't made of the module's names alone."""
        values = {name: scope.evaluated(value) for name, (value, scope) in self.given.items() if mentions(node, name)}
        try:
            return eval(ast.unparse(node), {**self.module.names, **values})
        except NameError as error:
            raise Unresolved(str(error)) from None

    def shape(self, node: ast.expr) -> Any:
        """The type that an argument is."""
        if isinstance(node, ast.Name) and (known := self.assigned(node.id)):
            return self.shape(known[-1])
        return self.evaluated(node)

    def texts(self, node: ast.expr) -> set[str]:
        """What a text can be. Raises Unresolved where it is no text, or nothing is known of it."""
        match node:
            case ast.Constant(value=str(text)):
                return {text}
            case ast.JoinedStr():
                parts = [self._part(part) for part in node.values]
                return {"".join(choice) for choice in itertools.product(*parts)}
            case ast.Name() if known := self.assigned(node.id):
                return {text for value in known if not _is_call(value) for text in self.texts(value)}
            case ast.Name() if node.id in self.given:
                value, scope = self.given[node.id]
                return scope.texts(value)
        raise Unresolved(f"{ast.unparse(node)} is no text that is known")

    def _part(self, part: ast.expr) -> set[str]:
        if isinstance(part, ast.Constant):
            return {str(part.value)}
        assert isinstance(part, ast.FormattedValue)
        literal = self.typed(part.value)
        if typing.get_origin(literal) is typing.Literal:
            return set(typing.get_args(literal))
        try:
            return self.texts(part.value)
        except Unresolved:
            return {"*"}

    def typed(self, node: ast.expr) -> Any:
        """The annotation of a variable, or of a field of one that is a struct."""
        if isinstance(node, ast.Name):
            return self.annotation(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.annotation(node.value.id)
            if isinstance(owner, type) and issubclass(owner, msgspec.Struct):
                return typing.get_type_hints(owner)[node.attr]
        return None

    def fields(self, node: ast.expr) -> dict[str, Field]:
        """The fields of a dict, or of what is annotated as one. None, for "nothing", has none."""
        found: dict[str, Field]
        match node:
            case ast.Constant(value=None):
                found = {}
            case ast.Dict():
                found = self._of_dict(node)
            case ast.DictComp(generators=[ast.comprehension(ifs=conditions, iter=names)]):
                found = {name: Field(not conditions) for name in self.evaluated(names)}
            case ast.IfExp():
                found = _either(self.fields(node.body), self.fields(node.orelse))
            case ast.Call(func=ast.Name(id="dict"), args=[inner]):
                found = self.fields(inner)
            case ast.Call() if self.evaluated(node.func) is chosen:
                names = self.evaluated(ast.Tuple(node.args[1:], ast.Load()))
                found = {name: Field(False) for name in names}
            case ast.Call() if (returned := self._returned(node)) is not None:
                found = _of_type(returned)
            case ast.Name() if known := self.assigned(node.id):
                found = functools.reduce(_either, map(self.fields, known)) | self._added(node.id)
            case _ if (typed := self.typed(node)) is not None:
                found = _of_type(typed)
            case _:
                raise Unresolved(f"{ast.unparse(node)} is no dict whose keys are known")
        return found

    def _returned(self, node: ast.Call) -> Any:
        """What a function says that it returns, or the struct that is made, where that is a struct or a TypedDict."""
        try:
            called = self.evaluated(node.func)
            returned = called if isinstance(called, type) else typing.get_type_hints(called).get("return")
        except (Unresolved, TypeError, AttributeError):
            return None
        is_struct = isinstance(returned, type) and issubclass(returned, msgspec.Struct)
        return returned if is_struct or typing.is_typeddict(returned) else None

    def _of_dict(self, node: ast.Dict) -> dict[str, Field]:
        fields: dict[str, Field] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                fields |= self.fields(value)
            else:
                fields[self.evaluated(key)] = Field(True, self.known(value))
        return fields

    def _added(self, name: str) -> dict[str, Field]:
        """By `name["key"] = value`, which some way through the function may leave out."""
        found = {}
        for node in ast.walk(self.functions[0]):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and is_name(target.value, name):
                        found[self.evaluated(target.slice)] = Field(False, self.known(node.value))
        return found

    def known(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Constant | ast.Name | ast.Attribute):
            return UNKNOWN
        try:
            value = self.evaluated(node)
        except (Unresolved, AttributeError):
            return UNKNOWN
        return value if isinstance(value, str | int) else UNKNOWN


def is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def mentions(node: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def _is_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call | ast.Await)


def _either(one: dict[str, Field], other: dict[str, Field]) -> dict[str, Field]:
    both = {**one, **other}
    return {name: Field(name in one and name in other and both[name].always, both[name].value) for name in both}


def _of_type(kind: Any) -> dict[str, Field]:
    """Of a struct or a TypedDict, or one of them or None."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        (kind,) = [option for option in typing.get_args(kind) if option is not types.NoneType]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {field.encode_name: Field(field.required) for field in msgspec.structs.fields(kind)}
    if typing.is_typeddict(kind):
        return {name: Field(name in kind.__required_keys__) for name in kind.__annotations__}
    raise Unresolved(f"{kind} has no fields that are known")
