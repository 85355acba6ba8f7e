"""What becomes of a made-up database (generated.py) when somebody edits its files: one to six edits, of any kind."""

import copy
import re
from random import Random
from typing import Any

from .generated import COLLECTIONS, GROUPS, NAMES, RULES, SNAPSHOTS, Content, Databases, Maker, fixed, primary_key

_WORD = re.compile(r"'(?:[^']|'')*'|[a-z_][a-z0-9_]*")


def edited(random: Random, databases: Databases) -> Databases:
    """Another version of it. What an earlier edit renamed may still say so."""
    databases = copy.deepcopy(databases)
    maker = Maker(random, databases)
    if maker.chance(0.8):
        for content in databases.values():
            content.pop("renamed_from", None)
            for column in content["columns"].values():
                column.pop("renamed_from", None)
    for _ in range(random.choice((1, 1, 2, 3, 4, 6))):
        random.choice(EDITS)(maker, databases)
        fixed(databases)
    return databases


def _some(maker: Maker, databases: Databases) -> tuple[str, Content]:
    name = maker.one(databases)
    return name, databases[name]


def _some_column(maker: Maker, databases: Databases) -> tuple[str, Content, str, Content]:
    table, content = _some(maker, databases)
    name = maker.one(content["columns"])
    return table, content, name, content["columns"][name]


def add_column(maker: Maker, databases: Databases) -> None:
    _, content = _some(maker, databases)
    content["columns"][maker.one(NAMES)] = maker.column(content)


def drop_column(maker: Maker, databases: Databases) -> None:
    _, content, name, _ = _some_column(maker, databases)
    if len(content["columns"]) > 1:
        del content["columns"][name]


def rename_column(maker: Maker, databases: Databases) -> None:
    """Its rules, and keys of others that name it, go along."""
    table, content, old, column = _some_column(maker, databases)
    new = maker.one(NAMES)
    names = {old: new}
    if new in content["columns"]:
        # It gives its own name up: for the first one's, or for another.
        free = maker.one([old, *(name for name in NAMES if name not in content["columns"])])
        names[new] = free
    names = {one: other for one, other in names.items() if one != other}
    content["columns"] = {
        names.get(one, one): {**given, "renamed_from": one} if one in names else given
        for one, given in content["columns"].items()
    }
    _renamed(content, names)
    for other in databases.values():
        for key in other.get("foreign_keys", {}).values():
            if key["to"] == table and "key" in key:
                key["key"] = [names.get(one, one) for one in key["key"]]
    if maker.chance(0.3) and names and "default" not in column:
        maker.typed(content, content["columns"][new])


def _renamed(content: Content, names: dict[str, str]) -> None:
    if "primary_key" in content:
        content["primary_key"] = [names.get(one, one) for one in content["primary_key"]]
    for column in content["columns"].values():
        if "generated" in column:
            column["generated"] = _substituted(column["generated"], names)
    for group in GROUPS:
        for rule, given in content.get(group, {}).items():
            key = given.pop("key", None) if group == "foreign_keys" else None
            content[group][rule] = _deep(given, names)
            if key:
                content[group][rule]["key"] = key


def _deep(given: Any, names: dict[str, str]) -> Any:
    if isinstance(given, str):
        return _substituted(given, names)
    if isinstance(given, list):
        return [_deep(one, names) for one in given]
    if isinstance(given, dict):
        words = {"to", "on_delete", "on_update", "method", "options", "nulls", "deferrable", "using"}
        return {_substituted(key, names): one if key in words else _deep(one, names) for key, one in given.items()}
    return given


def _substituted(text: str, names: dict[str, str]) -> str:
    return _WORD.sub(lambda found: names.get(found[0], found[0]), text)


def retype(maker: Maker, databases: Databases) -> None:
    _, content, name, column = _some_column(maker, databases)
    made = maker.column(content)
    kept = {key: value for key, value in column.items() if key in {"primary", "unique", "renamed_from"}}
    content["columns"][name] = {**made, **kept} if made["type"] not in {"money", "breadcrumb"} else made


def again(maker: Maker, databases: Databases) -> None:
    """The same type, otherwise all may be otherwise."""
    _, content, name, column = _some_column(maker, databases)
    kept = {key: value for key, value in column.items() if key in {"type", "primary", "renamed_from"}}
    content["columns"][name] = maker.typed(content, kept)


def toggle(maker: Maker, databases: Databases) -> None:
    _, _, _, column = _some_column(maker, databases)
    word = maker.one(("required", "unique", "description", "default", "collation", "generated", "identity"))
    if word in column:
        del column[word]
    elif word == "required" or (word == "unique" and column["type"] not in {"money", "breadcrumb"}):
        column[word] = True
    elif word == "description":
        column[word] = "It's new"


def change_key(maker: Maker, databases: Databases) -> None:
    maker.key(_some(maker, databases)[1])


def add_rule(maker: Maker, databases: Databases) -> None:
    maker.rule(_some(maker, databases)[1])


def drop_rule(maker: Maker, databases: Databases) -> None:
    _, content = _some(maker, databases)
    if groups := [group for group in GROUPS if content.get(group)]:
        group = maker.one(groups)
        del content[group][maker.one(content[group])]
        content[group] or content.pop(group)


def rename_rule(maker: Maker, databases: Databases) -> None:
    """Two rules of a kind may change their names with each other."""
    _, content = _some(maker, databases)
    if groups := [group for group in GROUPS if content.get(group)]:
        rules = content[maker.one(groups)]
        old, new = maker.one(rules), maker.one(RULES)
        rules[old], rules[new] = rules.get(new), rules[old]
        if rules[old] is None:
            del rules[old]


def rename_collection(maker: Maker, databases: Databases) -> None:
    """Some of them at once; two may change their names with each other."""
    some = maker.random.sample(list(databases), min(len(databases), maker.one((1, 1, 2))))
    names = dict(zip(some, maker.random.sample(COLLECTIONS, len(some)), strict=True))
    if any(new in databases and new not in names for new in names.values()):
        return
    names = {old: new for old, new in names.items() if old != new}
    moved = {new: {**databases[old], "renamed_from": old} for old, new in names.items()}
    for old in names:
        del databases[old]
    databases.update(moved)
    for content in databases.values():
        for given in (*content["columns"].values(), *content.get("foreign_keys", {}).values()):
            if "to" in given:
                given["to"] = names.get(given["to"], given["to"])


def add_collection(maker: Maker, databases: Databases) -> None:
    free = [name for name in COLLECTIONS if name not in databases]
    if free:
        name = maker.one(free)
        databases[name] = {"description": f"One {name}", "columns": {}, "snapshot": maker.one(SNAPSHOTS)}
        for column in maker.random.sample(NAMES, maker.one((1, 2, 3))):
            databases[name]["columns"][column] = maker.column(databases[name])
        maker.key(databases[name])


def drop_collection(maker: Maker, databases: Databases) -> None:
    if len(databases) > 1:
        del databases[maker.one(databases)]


def repin(maker: Maker, databases: Databases) -> None:
    """Several collections at once use another snapshot of the enumerators."""
    number = maker.one(SNAPSHOTS)
    for content in databases.values():
        if maker.chance(0.7):
            content["snapshot"] = number


def describe(maker: Maker, databases: Databases) -> None:
    _, content, name, _ = _some_column(maker, databases)
    content["description"] = "It's\nother"
    content["deprecated"] = {name: "since 1.1; don't"}


def swap_columns(maker: Maker, databases: Databases) -> None:
    """Two columns are each what the other was called; the rules stay with the names."""
    _, content, one, _ = _some_column(maker, databases)
    other = maker.one(content["columns"])
    key = primary_key(content)
    if one != other and one not in key and other not in key:
        columns = content["columns"]
        columns[one], columns[other] = columns[other], columns[one]


EDITS = (
    add_column,
    drop_column,
    drop_column,
    rename_column,
    rename_column,
    retype,
    retype,
    again,
    again,
    toggle,
    toggle,
    toggle,
    change_key,
    add_rule,
    add_rule,
    drop_rule,
    rename_rule,
    rename_collection,
    add_collection,
    drop_collection,
    repin,
    describe,
    swap_columns,
)
