"""Legal names: snake_case, no reserved words, at most 63 bytes. So SQL needs no quoting anywhere, and a check in a
collection file is exactly what PostgreSQL gets."""

import re

LONGEST = 63  # bytes; PostgreSQL silently cuts longer names (NAMEDATALEN - 1)
MOST_COLUMNS = 1600  # of a table (MaxHeapAttributeNumber)
_LEGAL = re.compile(r"[a-z][a-z0-9_]*\Z")

# pg_get_keywords() of PostgreSQL 18, categories R (reserved) and T (reserved, but can be function or type).
_RESERVED = frozenset(
    [
        "all",
        "analyse",
        "analyze",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "asymmetric",
        "authorization",
        "binary",
        "both",
        "case",
        "cast",
        "check",
        "collate",
        "collation",
        "column",
        "concurrently",
        "constraint",
        "create",
        "cross",
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "default",
        "deferrable",
        "desc",
        "distinct",
        "do",
        "else",
        "end",
        "except",
        "false",
        "fetch",
        "for",
        "foreign",
        "freeze",
        "from",
        "full",
        "grant",
        "group",
        "having",
        "ilike",
        "in",
        "initially",
        "inner",
        "intersect",
        "into",
        "is",
        "isnull",
        "join",
        "lateral",
        "leading",
        "left",
        "like",
        "limit",
        "localtime",
        "localtimestamp",
        "natural",
        "not",
        "notnull",
        "null",
        "offset",
        "on",
        "only",
        "or",
        "order",
        "outer",
        "overlaps",
        "placing",
        "primary",
        "references",
        "returning",
        "right",
        "select",
        "session_user",
        "similar",
        "some",
        "symmetric",
        "system_user",
        "table",
        "tablesample",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "user",
        "using",
        "variadic",
        "verbose",
        "when",
        "where",
        "window",
        "with",
    ]
)
_TAKEN_SCHEMAS = frozenset({"public", "dbm", "information_schema"})


def given_by_postgres(table: str, column: str, label: str) -> str:
    """What PostgreSQL calls the sequence of an identity column (`seq`), and from 18 on its NOT NULL (`not_null`).

    It cuts the longer one of table and column until all fits (makeObjectName in indexcmds.c)."""
    room = LONGEST - len(label) - 2
    first, second = len(table), len(column)
    while first + second > room:
        first, second = (first - 1, second) if first > second else (first, second - 1)
    return f"{table[:first]}_{column[:second]}_{label}"


def why_illegal(name: str) -> tuple[str, str] | None:
    """What is wrong with a name and how to fix it, or None."""
    if not _LEGAL.match(name):
        return "is not a legal name.", "Use lower-case letters, digits and _ and start with a letter."
    if len(name) > LONGEST:
        return f"is {len(name)} bytes long; PostgreSQL keeps {LONGEST}.", "Use a shorter name."
    if name in _RESERVED:
        return "is a reserved word of SQL.", f'Use another name, such as "{name}_value" or what it means here.'
    return None


def why_illegal_schema(name: str) -> tuple[str, str] | None:
    """As why_illegal, for the name of a schema."""
    if name in _TAKEN_SCHEMAS or name.startswith("pg_"):
        return "is not a schema that a service can own.", "Name the schema after the service."
    return why_illegal(name)
