"""The extensions of PostgreSQL that every environment has: embedded and in containers on a laptop, and on RDS.

A service asks for one in its `database/schema.yaml`; db-manager creates it. `pg_stat_statements` belongs to no service:
db-manager creates it beside its own records, and every service reports its own role's statements.
"""

ALLOWED = ("btree_gin", "pg_stat_statements", "pg_trgm", "unaccent")
"""What schema.yaml may name, and what RDS lets anybody create. RDS, `postgres:18` and the local wheel have them all."""

PRELOADED = ("pg_stat_statements",)
"""What the server loads when it starts; others are loaded when they are used."""

SETTINGS = {
    "shared_preload_libraries": ",".join(PRELOADED),
    # Statements with values in their text aren't kept: `alter role ... password '...'` is one.
    "pg_stat_statements.track_utility": "off",
    # Ours are a few hundred; a reader scans all that are kept.
    "pg_stat_statements.max": "2000",
}
"""PostgreSQL's settings that go with the extensions, for a server that has them."""
