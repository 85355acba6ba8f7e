"""What repeatable scripts made: dropped as a whole before they run again, so that views of views, other columns and
scripts that are gone need no thought. Tables and sequences hold data and are never dropped here."""

from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.types.json import Jsonb

if TYPE_CHECKING:
    Connection = psycopg.Connection[Any]

_THERE = """
with found (catalog, oid) as (
    select 'pg_class'::regclass, c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = %(schema)s and c.relkind in ('v', 'm')
    union all select 'pg_proc'::regclass, p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = %(schema)s
    union all select 'pg_trigger'::regclass, t.oid from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = %(schema)s and not t.tgisinternal
    union all select 'pg_policy'::regclass, p.oid from pg_policy p join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = %(schema)s
    union all select 'pg_type'::regclass, t.oid from pg_type t join pg_namespace n on n.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
    where n.nspname = %(schema)s and (t.typtype in ('d', 'e', 'r') or c.relkind = 'c')
)
select i.type, i.identity, case i.type
    when 'view' then 'view ' || split_part(i.identity, '.', 2)
    when 'materialized view' then 'materialized view ' || split_part(i.identity, '.', 2)
    when 'trigger' then 'trigger ' || replace(i.identity, %(schema)s || '.', '')
    when 'policy' then 'policy ' || replace(i.identity, %(schema)s || '.', '')
    when 'type' then (select case when typtype = 'd' then 'domain ' else 'type ' end || typname
        from pg_type where oid = f.oid)
    when 'domain' then 'domain ' || split_part(i.identity, '.', 2)
    else (select case prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end || ' '
        || proname || '(' || pg_get_function_identity_arguments(oid) || ')' from pg_proc where oid = f.oid)
    end, f.oid
from found f, pg_identify_object(f.catalog, f.oid, 0) i order by f.oid
"""


def there(connection: "Connection", schema: str) -> dict[str, dict[str, Any]]:
    """Views, functions, triggers, policies and types of a schema by name, in the order they were made."""
    rows = connection.execute(_THERE, {"schema": schema}).fetchall()
    return {name: {"type": kind, "identity": identity, "order": oid} for kind, identity, name, oid in rows}


def drop_made(connection: "Connection", schema: str) -> None:
    """Everything the scripts made. What something else depends on stays, and `create or replace` must do."""
    query = "select name, details from dbm.object where schema = %s and kind = 'made'"
    made = sorted(connection.execute(query, [schema]).fetchall(), key=lambda row: -row[1]["order"])
    for name, details in made:
        try:
            with connection.transaction():
                connection.execute(f"drop {details['type']} if exists {details['identity']}".encode())
                query = "delete from dbm.object where schema = %s and kind = 'made' and name = %s"
                connection.execute(query, [schema, name])
        except (psycopg.errors.DependentObjectsStillExist, psycopg.errors.UndefinedTable):
            continue


def record_made(connection: "Connection", schema: str, before: set[str]) -> None:
    """What is there now and wasn't before. What could not be dropped stays recorded."""
    now = there(connection, schema)
    rows = [{"name": name, "details": item} for name, item in now.items() if name not in before]
    connection.execute(
        """insert into dbm.object (schema, kind, name, digest, details)
        select %s, 'made', name, '', details from jsonb_to_recordset(%s) as given (name text, details jsonb)
        on conflict (schema, kind, name) do update set details = excluded.details""",
        [schema, Jsonb(rows)],
    )
    query = "delete from dbm.object where schema = %s and kind = 'made' and not name = any(%s)"
    connection.execute(query, [schema, list(now)])
