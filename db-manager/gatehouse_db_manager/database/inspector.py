"""Reads the catalog and db-manager's records in one snapshot and few round trips; most of an apply with nothing to do
is spent here."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from gatehouse_db_manager.database import other_objects
from gatehouse_db_manager.database.bookkeeping import LAYOUT_1, MARKER, MARKER_3, is_older
from gatehouse_db_manager.database.snapshot import (
    AppliedVersion,
    DatabaseState,
    LiveColumn,
    LiveConstraint,
    LiveIndex,
    LiveSchema,
    LiveTable,
    Recorded,
    Unfinished,
)

if TYPE_CHECKING:
    import psycopg

# One snapshot. Joins are written in their best order: letting the planner search costs a tenth of the total.
_AT_ONCE = (
    b"set transaction isolation level repeatable read, read only",
    b"set local join_collapse_limit = 1",
    b"set local from_collapse_limit = 1",
)
_ABOUT = """
select n.nspname, coalesce(obj_description(n.oid, 'pg_namespace'), '')
from pg_namespace n where n.nspname = any(%(schemas)s) or n.nspname = 'dbm'
"""
_ROLES = """
select case when has_database_privilege(name, current_database(), 'connect') then 'role' else 'kept out' end, name
from unnest(%(roles)s::text[]) name where to_regrole(quote_ident(name)) is not null
union all select 'extension', extname::text from pg_extension
union all select 'loaded', 'pg_stat_statements' where current_setting('pg_stat_statements.max', true) is not null
"""

_TABLES = """
select n.nspname, c.relname, pg_relation_size(c.oid), coalesce(obj_description(c.oid, 'pg_class'), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
"""
_COLUMNS = """
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    case when a.atthasdef and %(definitions)s then pg_get_expr(d.adbin, d.adrelid) end,
    a.attgenerated::text, a.attidentity::text, coalesce(b.description, ''), coalesce(nn.conname, ''),
    case when a.attcollation <> t.typcollation then quote_ident(co.collname) else '' end, a.attnum
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_collation co on co.oid = a.attcollation
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_constraint nn on nn.conrelid = c.oid and nn.contype = 'n' and nn.conkey[1] = a.attnum
left join pg_description b on b.objoid = c.oid and b.classoid = 'pg_class'::regclass and b.objsubid = a.attnum
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
order by c.oid, a.attnum
"""
# Sequences that belong to a column: of serial columns, and of those with `owned by`. They share its schema.
_SEQUENCES = b"""
select n.nspname, c.relname, a.attname, s.relname
from pg_class s join pg_namespace n on n.oid = s.relnamespace
join pg_depend d on d.objid = s.oid and d.classid = 'pg_class'::regclass and d.deptype = 'a'
join pg_class c on c.oid = d.refobjid join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where n.nspname = any(%(schemas)s) and s.relkind = 'S' and c.relkind in ('r', 'p')
"""
_CONSTRAINTS = """
select n.nspname, c.relname, k.conname, k.contype, k.convalidated,
    case when %(definitions)s then pg_get_constraintdef(k.oid) else '' end,
    coalesce(k.conkey, '{}'), coalesce(k.confrelid::regclass::text, ''),
    coalesce((select relname from pg_class where oid = k.conindid and k.contype = 'f'), '')
from pg_constraint k
join pg_class c on c.oid = k.conrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and k.contype in ('p', 'u', 'c', 'f', 'x')
"""
# Indexes of constraints belong to the constraint.
_INDEXES = """
select n.nspname, c.relname, i.relname, x.indisvalid, x.indisunique,
    case when %(definitions)s then pg_get_indexdef(i.oid) else '' end
from pg_index x
join pg_class i on i.oid = x.indexrelid
join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
    and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))
"""
_CATALOG = [query.encode() for query in (_TABLES, _COLUMNS, _CONSTRAINTS, _INDEXES)]
_RECORDS = {
    "objects": """select schema, kind, name, digest, nullif(details, '{}')
        from dbm.object where schema = any(%(schemas)s)""",
    "versions": """select schema, collection, version, digest, types_digest, applied_at::text
        from dbm.collection_version where schema = any(%(schemas)s)""",
    "snapshots": "select schema, snapshot, digest from dbm.enumerator where schema = any(%(schemas)s)",
    "data": "select schema, collection, kind, digest from dbm.data where schema = any(%(schemas)s)",
}
_RECORDS_2 = {
    "migrations": "select schema, name from dbm.migration where schema = any(%(schemas)s)",
    "runs": """select schema, state, fingerprint, target, approved from dbm.run
        where id in (select max(id) from dbm.run where schema = any(%(schemas)s) group by schema)""",
}
_KINDS = {"p": "primary_key", "u": "unique", "c": "check", "f": "foreign_key", "x": "exclusion"}


def inspect(
    connection: "psycopg.Connection[Any]",
    schemas: Iterable[str],
    roles: Mapping[str, str] | None = None,
    *,
    definitions: bool = False,
) -> DatabaseState:
    """The named schemas as they are now. `roles`: role -> schema, service before reader. `definitions` adds
    PostgreSQL's text of expressions, which costs time."""
    roles = roles or {}
    owners = ((schema, tuple(role for role, own in roles.items() if own == schema)) for schema in schemas)
    given: dict[str, Any] = {**other_objects.about(owners), "roles": list(roles), "definitions": definitions}
    with connection.pipeline(), connection.transaction():
        for setting in _AT_ONCE:
            connection.execute(setting)
        about = connection.execute(_ABOUT, given)
        found_roles = connection.execute(_ROLES, given)
        catalog = [connection.execute(query, given) for query in _CATALOG]
        clues = connection.execute(other_objects.CLUES.encode(), given)
        layout = dict(about.fetchall())
        bootstrapped = "dbm" in layout
        present = [clue for (clue,) in clues.fetchall()]
        catalog.append(connection.execute(other_objects.query(present).encode(), given))
        sequences = connection.execute(_SEQUENCES, given) if "S" in present else None
        newest = _RECORDS | _RECORDS_2 if layout.get("dbm") != LAYOUT_1 else _RECORDS
        queries = newest if bootstrapped else {}
        records = {name: connection.execute(query.encode(), given) for name, query in queries.items()}
        marker = MARKER_3 if is_older(layout.get("dbm", "")) else MARKER
        marked = connection.execute(marker.encode()) if bootstrapped else None
        builder = _Builder(given["schemas"], set(layout))
        owned = {tuple(place): name for *place, name in sequences.fetchall()} if sequences else {}
        builder.catalog(owned, *(cursor.fetchall() for cursor in catalog))
        if bootstrapped:
            builder.records({name: cursor.fetchall() for name, cursor in records.items()})
        environment, cluster_is_new = (marked and marked.fetchone()) or (None, False)
        named = found_roles.fetchall()
    return DatabaseState(
        bootstrapped=bootstrapped,
        layout=layout.get("dbm", ""),
        environment=environment,
        cluster_is_new=cluster_is_new,
        major=connection.info.server_version // 10000,
        roles=frozenset(name for kind, name in named if kind in {"role", "kept out"}),
        kept_out=frozenset(name for kind, name in named if kind == "kept out"),
        extensions=frozenset(name for kind, name in named if kind == "extension"),
        loads_statements=any(kind == "loaded" for kind, name in named),
        schemas=builder.schemas(),
    )


class _Builder:
    """Sorts rows of all schemas into one struct per schema."""

    def __init__(self, names: list[str], existing: set[str]) -> None:
        self.existing = existing
        self.tables: dict[str, dict[str, LiveTable]] = {name: {} for name in names}
        self.objects: dict[str, dict[tuple[str, str], Recorded]] = {name: {} for name in names}
        self.versions: dict[str, dict[str, AppliedVersion]] = {name: {} for name in names}
        self.snapshots: dict[str, dict[int, str]] = {name: {} for name in names}
        self.data: dict[str, dict[tuple[str, str], str]] = {name: {} for name in names}
        self.others: dict[str, list[str]] = {name: [] for name in names}
        self.migrations: dict[str, set[str]] = {name: set() for name in names}
        self.unfinished: dict[str, Unfinished] = {}

    def catalog(
        self,
        sequences: dict[tuple[str, ...], str],
        tables: list[Any],
        columns: list[Any],
        constraints: list[Any],
        indexes: list[Any],
        made: list[Any],
    ) -> None:
        for schema, name, size, description in tables:
            self.tables[schema][name] = LiveTable(
                name=name, size=size, description=description, columns={}, constraints={}, indexes={}
            )
        for schema, name, *_ in made:
            self.others[schema].append(name)
        numbers: dict[tuple[str, str, int], str] = {}
        for schema, table, name, sql_type, required, default, generated, identity, *more in columns:
            self.tables[schema][table].columns[name] = LiveColumn(
                name=name,
                sql_type=sql_type,
                required=required,
                default=default,
                generated=bool(generated),
                virtual=generated == "v",
                identity=identity,
                description=more[0],
                not_null_name=more[1],
                collation=more[2],
                sequence=sequences.get((schema, table, name), ""),
            )
            numbers[schema, table, more[3]] = name
        for schema, table, name, kind, valid, definition, columns_of, target, index in constraints:
            live = LiveConstraint(
                name=name,
                kind=_KINDS[kind],
                valid=valid,
                definition=definition,
                # 0: an expression.
                columns=tuple(numbers[schema, table, number] for number in columns_of if number),
                target="" if target == "-" else target,
                rests_on=index,
            )
            self.tables[schema][table].constraints[name] = live
        for schema, table, name, valid, unique, definition in indexes:
            live_index = LiveIndex(name=name, valid=valid, unique=unique, definition=definition)
            self.tables[schema][table].indexes[name] = live_index

    def records(self, rows: dict[str, list[Any]]) -> None:
        for schema, kind, name, digest, details in rows["objects"]:
            recorded = Recorded(digest=digest, details=details or {})
            # Before layout 3 a constraint was recorded without its table.
            tables = self.tables[schema].values() if kind in _KINDS.values() and "." not in name else ()
            rules = [(one.name, one.constraints.get(name)) for one in tables]
            names = [f"{table}.{name}" for table, rule in rules if rule and rule.kind == kind] or [name]
            self.objects[schema] |= {(kind, one): recorded for one in names}
        for schema, collection, *version in rows["versions"]:
            fields = dict(zip(("version", "digest", "types_digest", "applied_at"), version, strict=True))
            self.versions[schema][collection] = msgspec.convert(fields, AppliedVersion)
        for schema, number, digest in rows["snapshots"]:
            self.snapshots[schema][number] = digest
        for schema, collection, kind, digest in rows["data"]:
            self.data[schema][collection, kind] = digest
        for schema, name in rows.get("migrations", ()):
            self.migrations[schema].add(name)
        for schema, state, *run in rows.get("runs", ()):
            if state != "done":
                fields = dict(zip(("fingerprint", "target", "approved"), run, strict=True))
                self.unfinished[schema] = msgspec.convert(fields, Unfinished)

    def _other_indexes(self, schema: str) -> Iterator[str]:
        """Indexes that no collection declares: made by scripts or by hand."""
        for table in self.tables[schema].values():
            yield from (
                f"index {name} on {table.name}" for name in table.indexes if ("index", name) not in self.objects[schema]
            )

    def schemas(self) -> dict[str, LiveSchema]:
        return {
            name: LiveSchema(
                exists=name in self.existing,
                tables=self.tables[name],
                objects=self.objects[name],
                versions=self.versions[name],
                snapshots=self.snapshots[name],
                data=self.data[name],
                others=[*self.others[name], *self._other_indexes(name)],
                migrations=frozenset(self.migrations[name]),
                unfinished=self.unfinished.get(name),
            )
            for name in self.tables
        }
