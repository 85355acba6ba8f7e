"""What an existing database has, in PostgreSQL's own words: all that `gate db import` writes down or lists by name."""

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import psycopg


class FoundTable(msgspec.Struct, kw_only=True):
    """`special`: why it can't be a collection, such as "is partitioned"; `extras`: what of it can't be written down."""

    schema: str
    name: str
    description: str
    special: str
    options: str
    columns: list[dict[str, Any]] = []
    constraints: dict[str, str] = {}
    indexes: dict[str, str] = {}
    extras: list[str] = []


class FoundScript(msgspec.Struct, frozen=True):
    """SQL that makes a view, function, trigger or policy again. `name` is the file's."""

    schema: str
    name: str
    what: str
    sql: str


class Found(msgspec.Struct, kw_only=True):
    """`others`: what import doesn't write down, by name; it is left as it is."""

    schemas: dict[str, str]
    extensions: list[tuple[str, str]]
    tables: list[FoundTable]
    scripts: list[FoundScript]
    others: list[tuple[str, str]]
    sequences: dict[str, dict[str, dict[str, Any]]] = {}


_SCHEMAS = """
select n.nspname, coalesce(obj_description(n.oid, 'pg_namespace'), '') from pg_namespace n
where n.nspname not in ('dbm', 'information_schema') and n.nspname !~ '^pg_'
    and not exists (select from pg_depend e where e.objid = n.oid
    and e.classid = 'pg_namespace'::regclass and e.deptype = 'e') order by 1
"""
_EXTENSIONS = """
select x.extname, n.nspname from pg_extension x join pg_namespace n on n.oid = x.extnamespace
where x.extname <> 'plpgsql' order by 1
"""
_TABLES = """
select n.nspname, c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''),
    case when c.relkind = 'p' then 'is partitioned' when c.relkind = 'f' then 'is a foreign table'
        when c.relispartition then 'is a partition' when c.relpersistence = 'u' then 'is unlogged'
        when c.reloftype <> 0 then 'is of a composite type'
        when exists (select from pg_inherits i where i.inhrelid = c.oid) then 'inherits from another table' else '' end,
    coalesce(array_to_string(c.reloptions, ', '), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'f')
    and not exists (select from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype = 'e')
order by 1, 2
"""
_COLUMNS = """
select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    pg_get_expr(d.adbin, d.adrelid), a.attgenerated::text, a.attidentity::text, coalesce(b.description, ''),
    case when a.attcollation <> t.typcollation then quote_ident(cn.nspname) || '.' || quote_ident(co.collname) end,
    pg_get_serial_sequence(quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname)
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
join pg_type t on t.oid = a.atttypid
left join pg_collation co on co.oid = a.attcollation
left join pg_namespace cn on cn.oid = co.collnamespace
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
left join pg_description b on b.objoid = c.oid and b.classoid = 'pg_class'::regclass and b.objsubid = a.attnum
where n.nspname = any(%(schemas)s) and c.relkind = 'r'
order by c.oid, a.attnum
"""
_CONSTRAINTS = """
select n.nspname, c.relname, k.conname, k.contype::text, k.convalidated, pg_get_constraintdef(k.oid),
    coalesce(obj_description(k.oid, 'pg_constraint'), '')
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and k.contype in ('p', 'u', 'c', 'f', 'x') and c.relkind = 'r'
order by c.oid, array_position(array['p', 'u', 'c', 'x', 'f'], k.contype::text), k.conname
"""
_INDEXES = """
select n.nspname, c.relname, i.relname, x.indisvalid, x.indisunique, pg_get_indexdef(i.oid),
    coalesce(obj_description(i.oid, 'pg_class'), '')
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind = 'r'
    and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))
order by c.oid, i.relname
"""
_VIEWS = """
select n.nspname, c.relname, c.relkind::text, pg_get_viewdef(c.oid), coalesce(array_to_string(c.reloptions, ', '), ''),
    coalesce(obj_description(c.oid, 'pg_class'), '')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('v', 'm')
    and not exists (select from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype = 'e')
order by c.oid
"""
_FUNCTIONS = """
select n.nspname, p.proname, p.prokind::text, pg_get_function_identity_arguments(p.oid),
    case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend e where e.objid = p.oid
    and e.classid = 'pg_proc'::regclass and e.deptype = 'e') order by p.oid
"""
_TRIGGERS = """
select n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text, t.tgconstraint <> 0
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and not t.tgisinternal order by t.oid
"""
_POLICIES = """
select n.nspname, c.relname, p.polname, p.polpermissive, p.polcmd::text,
    array(select case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end from unnest(p.polroles) r),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) order by c.oid, p.polname
"""
_SECURED = """
select n.nspname, c.relname, c.relforcerowsecurity from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p') and c.relrowsecurity order by 1, 2
"""
_SEQUENCES = """
select n.nspname, c.relname, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    s.seqcycle
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype in ('e', 'i', 'a'))
order by 1, 2
"""
_OTHERS = """
select n.nspname, case when t.typtype = 'd' then 'domain ' when t.typtype = 'e' then 'enum type ' else 'type ' end
    || n.nspname || '.' || t.typname
from pg_type t join pg_namespace n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
where n.nspname = any(%(schemas)s) and (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
    and not exists (select from pg_depend e where e.objid = t.oid
    and e.classid = 'pg_type'::regclass and e.deptype = 'e')
union all
select n.nspname, 'rule ' || r.rulename || ' on ' || n.nspname || '.' || c.relname
from pg_rewrite r join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and r.rulename <> '_RETURN'
union all
select n.nspname, 'collation ' || n.nspname || '.' || c.collname
from pg_collation c join pg_namespace n on n.oid = c.collnamespace where n.nspname = any(%(schemas)s)
union all
select n.nspname, 'operator ' || o.oid::regoperator from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
where n.nspname = any(%(schemas)s) and not exists (select from pg_depend e where e.objid = o.oid
    and e.classid = 'pg_operator'::regclass and e.deptype = 'e')
union all
select n.nspname, 'text search configuration ' || n.nspname || '.' || c.cfgname
from pg_ts_config c join pg_namespace n on n.oid = c.cfgnamespace where n.nspname = any(%(schemas)s)
union all
select n.nspname, 'storage or statistics of column ' || a.attname || ' of ' || n.nspname || '.' || c.relname
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
where n.nspname = any(%(schemas)s) and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
    and (coalesce(a.attstattarget, -1) >= 0 or a.attstorage <> t.typstorage or a.attcompression <> ''
        or a.attoptions is not null)
union all
select n.nspname, 'options of the sequence behind ' || n.nspname || '.' || c.relname || '.' || a.attname
from pg_sequence s join pg_depend d on d.objid = s.seqrelid and d.classid = 'pg_class'::regclass
    and d.deptype in ('i', 'a') and d.refobjsubid > 0
join pg_class c on c.oid = d.refobjid join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where n.nspname = any(%(schemas)s)
    and (s.seqstart <> 1 or s.seqincrement <> 1 or s.seqcache <> 1 or s.seqcycle or s.seqmin <> 1)
union all
select n.nspname, 'comment on ' || i.type || ' ' || i.identity from pg_description d,
    pg_identify_object(d.classoid, d.objoid, 0) i, pg_namespace n
where n.nspname = any(%(schemas)s)
    and d.classoid in ('pg_proc'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass)
    and (i.schema = n.nspname or i.identity like '%% on ' || quote_ident(n.nspname) || '.%%')
union all
select n.nspname, 'replica identity or clustering of ' || n.nspname || '.' || c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind = 'r' and (c.relreplident <> 'd'
    or exists (select from pg_index x where x.indrelid = c.oid and x.indisclustered))
union all
select n.nspname, 'tablespace of ' || n.nspname || '.' || c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.reltablespace <> 0
union all
select n.nspname, 'grant of ' || string_agg(lower(g.privilege_type), ', ' order by g.privilege_type) || ' on schema '
    || n.nspname || ' to ' || coalesce(nullif(pg_get_userbyid(g.grantee), 'unknown (OID=0)'), 'public')
from pg_namespace n, aclexplode(n.nspacl) g
where n.nspname = any(%(schemas)s) and g.grantee <> n.nspowner and not (n.nspname = 'public' and g.grantee = 0)
group by n.nspname, g.grantee
union all
select n.nspname, 'grant of execute on ' || p.oid::regprocedure || ' to '
    || coalesce(nullif(pg_get_userbyid(g.grantee), 'unknown (OID=0)'), 'public')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace, aclexplode(p.proacl) g
where n.nspname = any(%(schemas)s) and g.grantee not in (p.proowner, 0)
union all
select coalesce(n.nspname, ''), 'default rights of ' || pg_get_userbyid(d.defaclrole)
from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace
union all
select n.nspname, 'statistics ' || n.nspname || '.' || s.stxname
from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace where n.nspname = any(%(schemas)s)
union all
select n.nspname, 'grant of ' || string_agg(lower(g.privilege_type), ', ' order by g.privilege_type)
    || ' on ' || n.nspname || '.' || c.relname || ' to '
    || coalesce(nullif(pg_get_userbyid(g.grantee), 'unknown (OID=0)'), 'public')
from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) g
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'v', 'm', 'S', 'p', 'f') and g.grantee <> c.relowner
group by n.nspname, c.relname, g.grantee
union all
select n.nspname, 'grant on the columns of ' || n.nspname || '.' || c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
    and exists (select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null)
union all
select '', 'event trigger ' || evtname from pg_event_trigger
union all
select '', 'publication ' || pubname from pg_publication
union all
select '', 'role ' || r.rolname from pg_roles r
where r.rolname !~ '^pg_' and r.rolname <> current_user and not r.rolsuper and exists (
    select from pg_shdepend d where d.refobjid = r.oid and d.refclassid = 'pg_authid'::regclass
        and d.dbid = (select oid from pg_database where datname = current_database()))
order by 1, 2
"""


def read(connection: "psycopg.Connection[Any]", schemas: tuple[str, ...] | None = None) -> Found:
    """All schemas but PostgreSQL's own and dbm, or those named, in one snapshot. Writes nothing."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        # With nothing on the path, PostgreSQL writes every name in full.
        connection.execute("set local search_path = pg_catalog")
        about = {name: text for name, text in _rows(connection, _SCHEMAS) if not schemas or name in schemas}
        given = {"schemas": list(about)}
        found = Found(
            schemas=about,
            extensions=_rows(connection, _EXTENSIONS),
            tables=[
                FoundTable(schema=schema, name=name, description=text, special=special, options=options)
                for schema, name, text, special, options in _rows(connection, _TABLES, given)
            ],
            scripts=[],
            others=_rows(connection, _OTHERS, given),
        )
        tables = {(table.schema, table.name): table for table in found.tables}
        _columns(tables, _rows(connection, _COLUMNS, given))
        _constraints(tables, _rows(connection, _CONSTRAINTS, given))
        _indexes(tables, _rows(connection, _INDEXES, given))
        for schema, name, *values in _rows(connection, _SEQUENCES, given):
            keys = ("type", "start", "increment", "minimum", "maximum", "cache", "cycle")
            found.sequences.setdefault(schema, {})[name] = dict(zip(keys, values, strict=True))
        _functions(found, _rows(connection, _FUNCTIONS, given))
        _views(found, _rows(connection, _VIEWS, given))
        _triggers(found, _rows(connection, _TRIGGERS, given))
        _policies(found, _rows(connection, _SECURED, given), _rows(connection, _POLICIES, given))
    # A schema with nothing in it, such as an unused `public`, is no schema to manage.
    used = {one.schema for one in (*found.tables, *found.scripts)} | {schema for schema, _ in found.others}
    used |= found.sequences.keys()
    found.schemas = {name: text for name, text in about.items() if name in used or (schemas and name in schemas)}
    return found


def _rows(connection: "psycopg.Connection[Any]", query: str, given: dict[str, Any] | None = None) -> list[Any]:
    return connection.execute(query.encode(), given).fetchall()


def _columns(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    names = ("name", "type", "required", "default", "generated", "identity", "description", "collation", "sequence")
    for schema, table, *values in rows:
        tables[schema, table].columns.append(dict(zip(names, values, strict=True)))


def _constraints(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    for schema, table, name, _kind, valid, definition, comment in rows:
        found = tables[schema, table]
        if valid:
            found.constraints[name] = definition
        else:
            found.extras.append(f"constraint {name} of {schema}.{table}: it isn't valid for every row")
        if comment:
            found.extras.append(f"comment on constraint {name} of {schema}.{table}")


def _indexes(tables: dict[tuple[str, str], FoundTable], rows: list[Any]) -> None:
    for schema, table, name, valid, unique, definition, comment in rows:
        found = tables[schema, table]
        if valid:
            using = definition[definition.index(" USING ") + 1 :]
            found.indexes[name] = f"unique {using}" if unique else using
        else:
            found.extras.append(f"index {name} of {schema}.{table}: it was left half-built")
        if comment:
            found.extras.append(f"comment on index {name} of {schema}.{table}")


def _functions(found: Found, rows: list[Any]) -> None:
    for schema, name, kind, arguments, definition in rows:
        what = f"{'procedure' if kind == 'p' else 'function'} {schema}.{name}({arguments})"
        if definition is None:
            found.others.append(
                (schema, f"{'aggregate' if kind == 'a' else 'window function'} {schema}.{name}({arguments})")
            )
        else:
            found.scripts.append(FoundScript(schema, name, what, definition.rstrip() + ";\n"))


def _views(found: Found, rows: list[Any]) -> None:
    for schema, name, kind, definition, options, comment in rows:
        full = f'"{schema}"."{name}"'
        if kind == "m" or options:
            reason = "materialized view" if kind == "m" else f"view with the options {options}:"
            found.others.append((schema, f"{reason} {schema}.{name}"))
            continue
        sql = f"create or replace view {full} as\n{definition.rstrip().rstrip(';')};\n"
        if comment:
            sql += f"comment on view {full} is {_quoted(comment)};\n"
        found.scripts.append(FoundScript(schema, name, f"view {schema}.{name}", sql))


def _triggers(found: Found, rows: list[Any]) -> None:
    for schema, table, name, definition, enabled, constraint in rows:
        what = f"trigger {name} on {schema}.{table}"
        if enabled != "O" or constraint:
            reason = "it is a constraint trigger" if constraint else "it isn't simply enabled"
            found.others.append((schema, f"{what}: {reason}"))
        else:
            sql = definition.replace("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1) + ";\n"
            found.scripts.append(FoundScript(schema, f"{table}_{name}", what, sql))


def _policies(found: Found, secured: list[Any], policies: list[Any]) -> None:
    """One file a table: whether row-level security is on, and its policies."""
    commands = {"r": "select", "a": "insert", "w": "update", "d": "delete", "*": "all"}
    by_table: dict[tuple[str, str], list[str]] = {}
    for schema, table, forced in secured:
        lines = by_table.setdefault((schema, table), [])
        lines.append(f'alter table "{schema}"."{table}" enable row level security;\n')
        if forced:
            lines.append(f'alter table "{schema}"."{table}" force row level security;\n')
    for schema, table, name, permissive, command, roles, using, check in policies:
        sql = f'drop policy if exists "{name}" on "{schema}"."{table}";\n'
        kind = "permissive" if permissive else "restrictive"
        sql += f'create policy "{name}" on "{schema}"."{table}" as {kind} for {commands[command]} to {", ".join(roles)}'
        sql += f"\n    using ({using})" if using else ""
        sql += f"\n    with check ({check})" if check else ""
        by_table.setdefault((schema, table), []).append(sql + ";\n")
    for (schema, table), lines in by_table.items():
        what = f"row-level security of {schema}.{table}"
        found.scripts.append(FoundScript(schema, f"{table}_policies", what, "".join(lines)))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
