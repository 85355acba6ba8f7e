"""Databases made up at random: any columns of any type, rules over the columns that are there, references among the
collections; and what becomes of one when somebody edits its files.

Everything is drawn from a `random.Random`, so one seed is one database. Names come from small pools: so a name is freed
and taken again by something else. `fixed` takes out what no longer fits, so an edit needs to know only what it edits.
"""

import copy
import itertools
from random import Random
from typing import Any

Content = dict[str, Any]
Databases = dict[str, Content]

COLLECTIONS = ("person", "pet", "toy", "person_pet")
NAMES = ("a", "b", "c", "d", "a_b", "size", "type", "key")
RULES = ("one", "two", "pet_one", "a_unique", "b_index", "a_one_line", "c_reference", "b_enumerator")
SNAPSHOTS: dict[int, dict[str, Any]] = {
    1: {"mood": ["a", "b"], "status": ["1", "2", "3"]},
    2: {"mood": ["a", "b", "c"], "status": ["1", "2"]},
    3: {"mood": ["c", "a"], "status": ["1", "2", "3", "it's"]},
}
GROUPS = ("checks", "unique", "foreign_keys", "indexes", "exclusions")
BASES = {
    "word": "text",
    "sentence": "text",
    "markdown": "text",
    "email": "text",
    "url": "text",
    "phone": "text",
    "count": "integer",
    "rating": "integer",
    "identity": "uuid",
    "duration": "interval",
    "enum": "text",
    "enum_list": "text_list",
}
PARTS = {
    "money": {"amount": "bigint", "currency": "text"},
    "breadcrumb": {"at": "timestamp", "by": "uuid", "request": "text"},
}
PLAIN = ("text", "integer", "bigint", "number", "boolean", "date", "timestamp", "uuid", "document", "text_list")
RARE = ("uuid_list", "bytes", "interval")
SPECIAL = ("enum", "enum_list", "reference", "money", "breadcrumb")
CUSTOM = tuple(name for name in BASES if name not in SPECIAL)
DEFAULTS: dict[str, list[Any]] = {
    "text": ["x", "it's", "1", "", {"expression": "md5(random()::text)"}, {"expression": "'a' || 'b'"}],
    "integer": [1, -5, {"expression": "(random() * 100)::integer"}],
    "bigint": [7, 2**40],
    "number": [1.5, 2],
    "boolean": [True, False],
    "date": ["2000-01-01", "today"],
    "timestamp": ["now", "2000-01-01T00:00:00Z"],
    "uuid": ["019a0000-0001-7000-8000-000000000001", {"expression": "gen_random_uuid()"}],
    "document": [{"kind": "it's"}, []],
    "text_list": [[], ["a", "b"]],
    "uuid_list": [[]],
    "bytes": ["\\x00ff"],
    "interval": ["90 minutes"],
}
VALID = {
    "word": "w",
    "sentence": "One line",
    "markdown": "# it's",
    "email": "a@example.org",
    "url": "https://example.org",
    "phone": "+4930123456",
    "count": 3,
    "rating": 2,
    "duration": "PT1H",
}
DESCRIPTIONS = ('It\'s "so"', "Two\nlines", "ünï", "-- ; /*")
WHOLE = {"integer", "bigint"}
NUMBERS = {*WHOLE, "number"}


def base_of(databases: Databases, column: Content, seen: int = 0) -> str:
    """The base type of a column that is one; "" of what can't be told."""
    kind = column["type"]
    if kind != "reference":
        return BASES.get(kind, kind)
    if "." in column["to"]:
        return "uuid"
    target = databases.get(column["to"])
    key = primary_key(target) if target else []
    if len(key) != 1 or seen > 3 or target is None or key[0] not in target["columns"]:
        return ""
    pointed = target["columns"][key[0]]
    # What a reference may point at is a base type, or a custom type made of one.
    return base_of(databases, pointed, seen + 1) if pointed["type"] not in SPECIAL else ""


def primary_key(content: Content) -> list[str]:
    return content.get("primary_key") or [name for name, one in content["columns"].items() if one.get("primary")]


def bases(databases: Databases, content: Content) -> dict[str, str]:
    """The columns a table really has, with their base types."""
    found = {}
    for name, column in content["columns"].items():
        parts = PARTS.get(column["type"])
        found |= {f"{name}_{part}": base for part, base in parts.items()} if parts else {}
        if not parts:
            found[name] = base_of(databases, column)
    return found


def expressions(there: dict[str, str]) -> dict[str, list[str]]:
    """What may be made of columns, by base type; all immutable."""
    found: dict[str, list[str]] = {"text": [], "integer": [], "boolean": [], "bigint": []}
    for name, base in there.items():
        if base == "text":
            found["text"] += [f"lower({name})", f"{name} || '{name}'", f"coalesce({name}, 'it''s')"]
            found["integer"] += [f"char_length({name})"]
        if base in WHOLE:
            found["bigint"] += [f"{name}::bigint + 1"]
            found["boolean"] += [f"{name} > 1"]
    return found


def conditions(there: dict[str, str]) -> list[str]:
    found = []
    for name, base in there.items():
        found += [f"{name} is not null or true"]
        found += [f"char_length({name}) < 300", f"{name} <> 'it''s {name}'"] if base == "text" else []
        found += [f"{name} < 1000", f"{name} > 1"] if base in NUMBERS else []
    names = sorted(there)
    return found + [f"{one} is null or {other} is not null or true" for one, other in itertools.pairwise(names)]


class Maker:
    """Draws for one database that is being made or edited."""

    def __init__(self, random: Random, databases: Databases) -> None:
        self.random = random
        self.databases = databases

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, items: Any) -> Any:
        return self.random.choice(list(items))

    def column(self, content: Content) -> Content:
        kind = self.one(self.one((PLAIN, PLAIN, CUSTOM, SPECIAL, RARE)))
        return self.typed(content, {"type": kind})

    def typed(self, content: Content, column: Content) -> Content:
        """A column of this type with whatever else it may say."""
        kind = column["type"]
        there = bases(self.databases, content)
        if kind in {"enum", "enum_list"}:
            column["of"] = self.one(("mood", "status"))
        if kind == "reference":
            column["to"] = self.one([*self.databases, self.one(self.databases), "topics.resource"])
            if "." not in column["to"] and self.chance(0.3):
                column["on_delete"] = self.one(("cascade", "set null", "restrict"))
            if "." not in column["to"] and self.chance(0.2):
                column["on_update"] = self.one(("cascade", "no action"))
        if kind == "document" and self.chance(0.4):
            column["schema"] = self.one(({"type": "object"}, {"type": "object", "required": ["kind"]}, {}))
        base = base_of(self.databases, column)
        if self.chance(0.3):
            column["required"] = True
        if self.chance(0.12) and kind not in PARTS:
            column["unique"] = True
        if self.chance(0.2):
            column["description"] = self.one(DESCRIPTIONS)
        made = expressions(there).get(base, []) if kind not in SPECIAL else []
        if base in WHOLE and kind != "reference" and self.chance(0.15):
            column["identity"] = self.one(("always", "by default"))
        elif made and self.chance(0.25):
            column["generated"] = self.one(made)
        elif self.chance(0.45) or (column.get("required") and self.chance(0.6)):
            self._default(column, base)
        if base == "text" and kind not in {"reference"} and self.chance(0.12):
            column["collation"] = self.one(("C", "POSIX"))
        return column

    def _default(self, column: Content, base: str) -> None:
        kind = column["type"]
        if kind == "enum":
            column["default"] = self.one(("a", "1"))
        elif kind == "money":
            column["default"] = {"amount": 5, "currency": "EUR"}
        elif kind in VALID:
            column["default"] = VALID[kind]
        elif kind not in {"enum_list", "breadcrumb", "reference", "identity"}:
            column["default"] = self.one(DEFAULTS[base])

    def key(self, content: Content) -> None:
        """The primary key: a column of its own, one that is there, or several."""
        for column in content["columns"].values():
            column.pop("primary", None)
        content.pop("primary_key", None)
        names = [name for name, column in content["columns"].items() if column["type"] not in PARTS]
        if len(names) > 1 and self.chance(0.3):
            content["primary_key"] = self.random.sample(names, min(len(names), self.one((1, 2, 2, 3))))
            return
        if "id" not in content["columns"]:
            kind = self.one(({"type": "identity"}, {"type": "identity"}, {"type": "bigint", "identity": "always"}))
            content["columns"] = {"id": dict(kind), **content["columns"]}
        content["columns"]["id"]["primary"] = True

    def rule(self, content: Content) -> None:
        group, name = self.one(GROUPS), self.one(RULES)
        if made := getattr(self, f"_{group}")(content, bases(self.databases, content)):
            for other in GROUPS:
                content.get(other, {}).pop(name, None)
            content.setdefault(group, {})[name] = made

    def _checks(self, _: Content, there: dict[str, str]) -> Any:
        return self.one(conditions(there))

    def _unique(self, _: Content, there: dict[str, str]) -> Any:
        made: Content = {"columns": self.random.sample(sorted(there), min(len(there), self.one((1, 1, 2, 3))))}
        rest = [name for name in there if name not in made["columns"]]
        if self.chance(0.25):
            made["where"] = self.one(conditions(there))
        elif self.chance(0.25):
            made["deferrable"] = self.one(("immediate", "deferred"))
        if rest and self.chance(0.25):
            made["include"] = [self.one(rest)]
        if self.chance(0.25):
            made["nulls"] = "not_distinct"
        return made

    def _foreign_keys(self, content: Content, there: dict[str, str]) -> Any:
        to = self.one(self.databases)
        keys = referable(self.databases[to])
        if not keys:
            return None
        key = self.one(keys)
        pointed = bases(self.databases, self.databases[to])
        columns: list[str] = []
        for name in key:
            own = content["columns"]
            fit = [one for one, base in there.items() if base == pointed.get(name) and one not in columns]
            fit = [one for one in fit if "generated" not in own.get(one, {})]
            if not fit:
                return None
            columns.append(self.one(fit))
        made: Content = {"columns": columns, "to": to}
        if key != primary_key(self.databases[to]) or self.chance(0.3):
            made["key"] = key
        if self.chance(0.3):
            made["on_delete"] = self.one(("cascade", "set null", "set default"))
        return made

    def _indexes(self, _: Content, there: dict[str, str]) -> Any:
        method = self.one(("btree", "btree", "btree", "hash", "gin", "gist", "spgist", "brin"))
        made: Content = {} if method == "btree" else {"method": method}
        names = sorted(there)
        texts = [name for name, base in there.items() if base == "text"]
        if method in {"gin", "gist", "spgist"}:
            made |= self._special_index(method, there)
            if len(made) == 1:
                return None
        elif (
            method == "btree"
            and self.chance(0.25)
            and (some := [x for all_ in expressions(there).values() for x in all_])
        ):
            made["expressions"] = self.random.sample(some, min(len(some), self.one((1, 1, 2))))
        else:
            chosen = self.random.sample(names, 1 if method == "hash" else min(len(names), self.one((1, 1, 2, 3))))
            orders = ("", "", " desc", " asc nulls first", " desc nulls last") if method == "btree" else ("",)
            made["columns"] = [f"{name}{self.one(orders)}" for name in chosen]
            if method == "btree" and chosen[0] in texts and self.chance(0.3):
                made["columns"][0] = f"{chosen[0]} text_pattern_ops"
            if method == "brin" and self.chance(0.5):
                made["options"] = {"pages_per_range": self.one((8, 32))}
            rest = [name for name in names if name not in chosen]
            if method == "btree" and rest and self.chance(0.2):
                made["include"] = [self.one(rest)]
        if method == "btree" and self.chance(0.25):
            made["unique"] = True
            if self.chance(0.3):
                made["nulls"] = "not_distinct"
        if method in {"btree", "hash"} and self.chance(0.2):
            made["options"] = {"fillfactor": self.one((70, 90))}
        if self.chance(0.2):
            made["where"] = self.one(conditions(there))
        return made

    def _special_index(self, method: str, there: dict[str, str]) -> Content:
        fit = [name for name, base in there.items() if base in {"text_list", "document"}]
        if method == "gin" and fit:
            name = self.one(fit)
            order = " jsonb_path_ops" if there[name] == "document" and self.chance(0.5) else ""
            return {"columns": [f"{name}{order}"], "options": {"fastupdate": self.chance(0.5)}}
        whole = [name for name, base in there.items() if base == "integer"]
        if method == "gist" and whole:
            return {"expressions": [f"int4range({self.one(whole)}, null)"]}
        texts = [name for name, base in there.items() if base == "text"]
        return {"columns": [self.one(texts)]} if method == "spgist" and texts else {}

    def _exclusions(self, _: Content, there: dict[str, str]) -> Any:
        made: Content = {"elements": {self.one(there): "="}, "using": self.one(("hash", "btree"))}
        whole = [name for name, base in there.items() if base == "integer"]
        if whole and self.chance(0.4):
            name = self.one(whole)
            made = {"elements": {f"int4range({name}, {name} + 1)": "&&"}}
        if self.chance(0.3):
            made["where"] = self.one(conditions(there))
        return made


def referable(content: Content) -> list[list[str]]:
    """The keys that a foreign key may point at."""
    found = [primary_key(content)]
    found += [[name] for name, column in content["columns"].items() if column.get("unique")]
    for unique in content.get("unique", {}).values():
        if not unique.keys() & {"where", "deferrable"}:
            found.append(unique["columns"])
    return [key for key in found if key]


def made_up(random: Random) -> Databases:
    """A whole database."""
    databases: Databases = {}
    maker = Maker(random, databases)
    for name in random.sample(COLLECTIONS, random.choice((1, 2, 2, 3))):
        databases[name] = {"description": f"One {name}", "columns": {}, "snapshot": random.choice((1, 2, 3))}
        for column in random.sample(NAMES, random.randint(1, 5)):
            databases[name]["columns"][column] = maker.column(databases[name])
        maker.key(databases[name])
    for content in databases.values():
        for _ in range(random.randint(0, 5)):
            maker.rule(content)
        if maker.chance(0.1):
            content["renamed_from"] = random.choice(COLLECTIONS)
        for column in content["columns"].values():
            if maker.chance(0.05):
                column["renamed_from"] = random.choice(NAMES)
    return fixed(databases)


def fixed(databases: Databases) -> Databases:
    """Without what can't be: rules about columns that aren't there, references to what can't be referred to."""
    for _ in range(4):  # what goes may be what something else was about
        before = copy.deepcopy(databases)
        for name, content in databases.items():
            _fix(databases, name, content)
        if before == databases:
            break
    return databases


def _fix(databases: Databases, name: str, content: Content) -> None:
    if content.get("renamed_from") == name:
        content.pop("renamed_from", None)
    columns = content["columns"]
    content["primary_key"] = [one for one in content.get("primary_key", ()) if one in columns]
    content["primary_key"] or content.pop("primary_key")
    if not primary_key(content):
        columns["id"] = {"type": "identity", "primary": True}
    elif "primary_key" in content:
        for column in columns.values():
            column.pop("primary", None)
    for one, given in columns.items():
        column = given
        if column["type"] == "reference" and not base_of(databases, column):
            column = {key: value for key, value in given.items() if key in {"required", "primary"}} | {"type": "uuid"}
            columns[one] = column
        if column.get("renamed_from") == one:
            column.pop("renamed_from", None)
        values = SNAPSHOTS[content["snapshot"]].get(column.get("of", ""), [])
        if column["type"] == "enum" and column.get("default") not in values:
            column.pop("default", None)
    there = bases(databases, content)
    plain = {one: base for one, base in there.items() if "generated" not in columns.get(one, {})}
    made = expressions(plain)
    for column in columns.values():
        if "generated" in column and column["generated"] not in made.get(base_of(databases, column), []):
            column.pop("generated")
    for group in GROUPS:
        rules = content.get(group, {})
        for rule in [rule for rule, given in rules.items() if not _fits(databases, content, there, group, given)]:
            del rules[rule]
        rules or content.pop(group, None)


def _fits(databases: Databases, content: Content, there: dict[str, str], group: str, given: Any) -> bool:
    known = conditions(there)
    if group == "checks":
        return given in known
    named = {*given.get("include", ()), *(one.split(" ")[0] for one in given.get("columns", ()))}
    if not named <= there.keys() or given.get("where", known[0]) not in known:
        return False
    if group == "foreign_keys":
        return _fits_key(databases, content, there, given)
    if group == "exclusions":
        whole = [f"int4range({one}, {one} + 1)" for one, base in there.items() if base == "integer"]
        return all(element in there or element in whole for element in given["elements"])
    return group == "unique" or _fits_index(there, given)


def _fits_key(databases: Databases, content: Content, there: dict[str, str], given: Any) -> bool:
    target = databases.get(given["to"])
    key = given.get("key") or (primary_key(target) if target else [])
    if target is None or key not in referable(target):
        return False
    pointed = bases(databases, target)
    own = [content["columns"].get(one, {}) for one in given["columns"]]
    fits = [there[one] for one in given["columns"]] == [pointed.get(one) for one in key]
    return fits and not any("generated" in one for one in own)


def _fits_index(there: dict[str, str], given: Any) -> bool:
    known = [one for some in expressions(there).values() for one in some]
    known += [f"int4range({one}, null)" for one, base in there.items() if base == "integer"]
    if not all(one in known for one in given.get("expressions", ())):
        return False
    for one in given.get("columns", ()):
        name, _, order = one.partition(" ")
        needed = {"text_pattern_ops": "text", "jsonb_path_ops": "document"}.get(order, there[name])
        needed = "text" if given.get("method") == "spgist" else needed
        brin_less = given.get("method") == "brin" and there[name] in {"boolean", "document", "text_list", "uuid_list"}
        gin_less = given.get("method") == "gin" and there[name] not in {"text_list", "document"}
        if there[name] != needed or brin_less or gin_less:
            return False
    return True
