"""Pairs that made-up databases (generated.py) found wrong once, made small. Each is a mechanism, as its name says."""

from typing import Any

from .generated import Databases

ID = {"id": {"type": "identity", "primary": True}}
TEXT = {"type": "text"}
LONG_TABLE = "a_table_that_has_a_long_name_as_well"
LONG = "a_very_long_name_of_a_column_that_goes_on"
LOWER = {"type": "text", "generated": "lower(d)"}
TO_PET = {"one": {"columns": ["a"], "to": "pet", "key": ["a"]}}


def table(columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A collection with a key of its own, unless one is given."""
    key = {} if "primary_key" in more else ID
    return {"description": "One", "snapshot": 1, "columns": {**key, **columns}, **more}


def by_key(columns: dict[str, Any], *key: str, **more: Any) -> dict[str, Any]:
    return table(columns, primary_key=list(key), **more)


SWAPPED = {"a": {**TEXT, "renamed_from": "b"}, "b": {"type": "word", "renamed_from": "a"}}
LONG_CHAIN = {"c": {"type": "word", "renamed_from": "b"}, "b": {"type": "email", "renamed_from": "a"}}
FOUND: dict[str, tuple[Databases, Databases]] = {
    "a dropped table is called as its schema is": (
        {"person": table({"a": TEXT}), "pet": table({"a": TEXT})},
        {"pet": table({"a": {"type": "integer"}})},
    ),
    "two exclusions are the same": (
        {"pet": table({"a": TEXT})},
        {
            "pet": table(
                {"b": TEXT},
                exclusions={
                    "one": {"elements": {"id": "="}, "using": "btree"},
                    "two": {"elements": {"id": "="}, "using": "btree"},
                },
            )
        },
    ),
    "a table that goes refers to a key that changes its type": (
        {
            "person": table({"d": {"type": "uuid"}}, foreign_keys={"one": {"columns": ["d"], "to": "toy"}}),
            "toy": table({}),
        },
        {"toy": table({"id": {"type": "text", "primary": True}})},
    ),
    "a key that changes its type gives way to another": (
        {
            "pet": by_key(
                {"key": {"type": "count", "required": True, "default": 3}, "type": {"type": "bytes"}}, "key", "type"
            )
        },
        {
            "pet": table(
                {"key": TEXT, "type": {"type": "bytes"}, "id": {"type": "bigint", "primary": True, "default": 1}}
            )
        },
    ),
    "a rule about a column that is generated anew": (
        {
            "pet": table(
                {"c": {"type": "integer"}, "b": TEXT},
                exclusions={"one": {"elements": {"int4range(c, c + 1)": "&&"}, "where": "b is not null or true"}},
            )
        },
        {"pet": table({"d": TEXT, "b": LOWER})},
    ),
    "a generated column goes with what it is made of": (
        {"pet": table({"d": TEXT, "c": {"type": "text", "generated": "d || 'd'"}})},
        {"pet": table({})},
    ),
    "a generated column is made of one that changes its type": (
        {"pet": table({"d": {"type": "integer"}})},
        {"pet": table({"d": TEXT, "c": LOWER}, indexes={"one": {"columns": ["c"]}})},
    ),
    "an exclusion is called as an index was that goes": (
        {"toy": table({"a": TEXT}, indexes={"one": {"columns": ["id"], "where": "a <> ''"}})},
        {
            "toy": table(
                {"id": {"type": "bigint", "identity": "always", "primary": True}, "c": {"type": "bigint"}},
                exclusions={"one": {"elements": {"c": "="}, "using": "hash"}},
            )
        },
    ),
    "a reference to a key that comes where an exclusion goes": (
        {"pet": table({"d": TEXT}, exclusions={"a_unique": {"elements": {"d": "="}, "using": "btree"}})},
        {
            "pet": table(
                {"d": {"type": "interval"}, "a": {"type": "number", "unique": True}},
                foreign_keys=TO_PET,
            )
        },
    ),
    "a key goes on which a reference rests, beside another of the same columns": (
        {
            "pet": table({"a": TEXT}, unique={"one": {"columns": ["a"]}, "two": {"columns": ["a"], "include": ["id"]}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
        {
            "pet": table({"a": TEXT}, unique={"two": {"columns": ["a"], "include": ["id"]}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
    ),
    "a new column with a collation is filled": (
        {"pet": table({"a": TEXT})},
        {"pet": table({"d": {"type": "text", "default": {"expression": "md5(random()::text)"}, "collation": "C"}})},
    ),
    "a unique constraint becomes an index that a reference rests on": (
        {
            "pet": table({"a": TEXT}, unique={"one": {"columns": ["a"]}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
        {
            "pet": table({"a": TEXT}, indexes={"one": {"columns": ["a"], "unique": True}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
    ),
    "two columns change their names with each other": (
        {"pet": table({"a": {"type": "word", "unique": True, "required": True}, "b": TEXT}, checks={"one": "a <> b"})},
        {"pet": table({**SWAPPED, "b": {**SWAPPED["b"], "unique": True, "required": True}}, checks={"one": "b <> a"})},
    ),
    "a column takes the name that another has just given up": (
        {"pet": table({"a": {"type": "email"}, "b": {"type": "word"}}, indexes={"one": {"columns": ["a", "b"]}})},
        {"pet": table(LONG_CHAIN, indexes={"one": {"columns": ["b", "c"]}})},
    ),
    "two collections change their names with each other": (
        {
            "person": table({"a": {"type": "bigint", "identity": "always", "unique": True}}),
            "pet": table({"a": {"type": "reference", "to": "person"}}),
        },
        {
            "pet": table({"a": {"type": "bigint", "identity": "always", "unique": True}}, renamed_from="person"),
            "person": table({"a": {"type": "reference", "to": "pet"}}, renamed_from="pet"),
        },
    ),
    "a rule of a renamed collection takes the name of another": (
        {"person": table({"a": TEXT, "b": TEXT}, unique={"one": {"columns": ["a"]}, "pet_one": {"columns": ["b"]}})},
        {
            "person_pet": table(
                {"a": TEXT, "b": TEXT},
                unique={"one": {"columns": ["a"]}, "pet_one": {"columns": ["b"]}},
                renamed_from="person",
            )
        },
    ),
    "an index takes the name of one in another table": (
        {"person": table({"a": TEXT}, indexes={"pet_one": {"columns": ["a"]}, "pet": {"columns": ["a"]}})},
        {"person": table({"a": TEXT}), "person_pet": table({"a": TEXT}, indexes={"one": {"columns": ["a"]}})},
    ),
    "names that PostgreSQL cuts": (
        {LONG_TABLE: table({LONG: {"type": "bigint", "identity": "always"}, f"b_{LONG}": TEXT, f"c_{LONG}": TEXT})},
        {
            f"{LONG_TABLE}_again": table(
                {
                    f"{LONG}_and_on": {"type": "bigint", "identity": "always", "renamed_from": LONG},
                    f"b_{LONG}": {"type": "text", "required": True, "default": "x"},
                    f"c_{LONG}": {"type": "text", "required": True, "default": "x"},
                },
                renamed_from=LONG_TABLE,
            )
        },
    ),
    "a unique constraint becomes a check of its name": (
        {"pet": table({"a": TEXT}, unique={"one": {"columns": ["a"]}}), "toy": table({"a": TEXT}, foreign_keys=TO_PET)},
        {"pet": table({"a": TEXT}, checks={"one": "a <> 'it''s a'"}), "toy": table({"a": TEXT})},
    ),
    "an index changes on which a reference rests": (
        {
            "pet": table({"a": TEXT}, indexes={"one": {"columns": ["a"], "unique": True}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
        {
            "pet": table({"a": TEXT}, indexes={"one": {"columns": ["a desc"], "unique": True}}),
            "toy": table({"a": TEXT}, foreign_keys=TO_PET),
        },
    ),
    "an index takes the name of a table that goes": (
        {"person": table({"a": TEXT}), "person_pet": table({"a": TEXT}, indexes={"one": {"columns": ["a"]}})},
        {"person": table({"a": TEXT}, indexes={"pet_one": {"columns": ["a"]}, "pet": {"columns": ["a"]}})},
    ),
}
