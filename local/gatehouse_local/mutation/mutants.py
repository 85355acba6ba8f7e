"""Mutants of a module: one small change each, such as `<` for `<=`, that some test should notice.

Pure: from source text to the list of mutants, and to the syntax tree of one. A mutant's name holds no line number, so
that it stays the same while other lines of the file change.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Mutant(msgspec.Struct, frozen=True):
    """`name`: file, function, the code as it was and as it is. `lines`: of the code that changes; the statement's first
    line too. `number` is the one to give to `mutated`.
    """

    name: str
    file: str
    number: int
    lines: tuple[int, ...]
    in_function: bool


class _Change(msgspec.Struct):
    node: ast.AST
    replacement: ast.AST
    function: str
    statement: int


def mutants(file: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its code."""
    found, names = [], Counter[str]()
    for number, change in enumerate(_changes(ast.parse(source))):
        name = f"{file} {change.function}: {_text(change.node)} -> {_text(change.replacement)}"
        names[name] += 1
        position: Any = change.node
        found.append(
            Mutant(
                name=name if names[name] == 1 else f"{name} ({names[name]})",
                file=file,
                number=number,
                lines=tuple(sorted({change.statement, *range(position.lineno, position.end_lineno + 1)})),
                in_function=change.function != "module",
            )
        )
    return found


def mutated(source: str, number: int) -> ast.Module:
    """The module's tree with this one change."""
    tree = ast.parse(source)
    change = next(change for at, change in enumerate(_changes(tree)) if at == number)
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is change.node:
                setattr(parent, field, change.replacement)
            elif isinstance(value, list) and any(item is change.node for item in value):
                value[:] = [change.replacement if item is change.node else item for item in value]
    return ast.fix_missing_locations(tree)


def _text(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())


def _changes(tree: ast.Module) -> Iterator[_Change]:
    yield from _below(tree, "module", 0)


def _below(parent: ast.AST, function: str, statement: int) -> Iterator[_Change]:
    """Leaves out annotations, decorators and docstrings, which no test would notice; and the numbers of a module's
    constants: they are choices, and a test of their value would only repeat it.
    """
    for field, value in ast.iter_fields(parent):
        if field in {"annotation", "returns", "decorator_list"} or isinstance(parent, ast.JoinedStr):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _is_docstring(node) or _is_setting(node, function):
                continue
            inner = node.name if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) else ""
            name = inner if function == "module" else f"{function}.{inner}" if inner else function
            line = node.lineno if isinstance(node, ast.stmt) else statement
            for replacement in _replacements(node):
                yield _Change(node, ast.copy_location(replacement, node), function, line)
            yield from _below(node, name or function, line)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_setting(node: ast.AST, function: str) -> bool:
    return function == "module" and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.BinOp)


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[operator]):
            yield _with(node, ops=[_COMPARED[type(operator)]()])
        case ast.BoolOp(op=operator):
            yield _with(node, op=ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.BinOp(op=operator) if type(operator) in _COMPUTED and not _is_text(node):
            yield _with(node, op=_COMPUTED[type(operator)]())
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield copy.deepcopy(operand)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call()):
            yield _with(node, test=ast.UnaryOp(ast.Not(), copy.deepcopy(node.test)))
        case ast.IfExp(test=ast.Name() | ast.Attribute() | ast.Call()):
            yield _with(node, test=ast.UnaryOp(ast.Not(), copy.deepcopy(node.test)))
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise():
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()


def _is_text(node: ast.BinOp) -> bool:
    """Joining texts by `-` would only fail."""
    sides = (node.left, node.right)
    return any(isinstance(side, ast.JoinedStr | ast.List | ast.Tuple) or _is_word(side) for side in sides)


def _is_word(side: ast.expr) -> bool:
    return isinstance(side, ast.Constant) and isinstance(side.value, str | bytes)


def _with(node: Any, **fields: Any) -> Any:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
