"""What depends on the objects of a schema, by pg_depend: managed or not, in any schema. Read only when a plan drops or
changes something, as it looks at the whole catalog."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gatehouse_db_manager.database.snapshot import Dependent

if TYPE_CHECKING:
    import psycopg

# What can be dropped or changed: `of` is its kind, `schema`, `name`, and for columns `part`.
_DEPENDENTS = """
with things (catalog, oid, kind, schema, name) as (
    select 'pg_class'::regclass, c.oid,
        case when c.relkind in ('i', 'I') then 'index' when c.relkind = 'S' then 'sequence'
            when c.relkind = 'v' then 'view' else 'table' end,
        n.nspname, c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'i', 'I', 'S', 'v')
    union all select 'pg_type'::regclass, t.oid, 'table', n.nspname, c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_type t on t.oid = c.reltype
        or t.typelem = c.reltype
    where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
    union all select 'pg_constraint'::regclass, k.oid, 'constraint', n.nspname, c.relname || '.' || k.conname
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any(%(schemas)s) and k.contype in ('p', 'u')
    union all select 'pg_proc'::regclass, p.oid, 'function', n.nspname,
        p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = any(%(schemas)s)
    union all select e.classid, e.objid, 'extension', '', x.extname
    from pg_depend e join pg_extension x on x.oid = e.refobjid
    where e.refclassid = 'pg_extension'::regclass and e.deptype = 'e' and x.extname <> 'plpgsql'
), found as (
    select distinct t.kind, t.schema, t.name, coalesce(a.attname, '') as part, d.classid, d.objid,
        case when d.classid = 'pg_class'::regclass then d.objsubid else 0 end as subid
    from things t join pg_depend d on d.refclassid = t.catalog and d.refobjid = t.oid and d.deptype = 'n'
    left join pg_attribute a on t.catalog = 'pg_class'::regclass and a.attrelid = t.oid and a.attnum = d.refobjsubid
        and d.refobjsubid > 0
)
select distinct f.kind, f.schema, f.name, f.part, i.type, coalesce(i.schema, n.nspname, ''), i.identity,
    coalesce(n.nspname, ''), coalesce(c.relname, ''),
    coalesce(k.conname, g.tgname, p.polname, a.attname, o.relname, v.relname, r.rulename, '')
from found f
left join pg_constraint k on f.classid = 'pg_constraint'::regclass and k.oid = f.objid
left join pg_trigger g on f.classid = 'pg_trigger'::regclass and g.oid = f.objid
left join pg_policy p on f.classid = 'pg_policy'::regclass and p.oid = f.objid
left join pg_attrdef q on f.classid = 'pg_attrdef'::regclass and q.oid = f.objid
left join pg_rewrite r on f.classid = 'pg_rewrite'::regclass and r.oid = f.objid
left join pg_class v on v.oid = r.ev_class and r.rulename = '_RETURN'
left join pg_index x on f.classid = 'pg_class'::regclass and x.indexrelid = f.objid
left join pg_class o on f.classid = 'pg_class'::regclass and o.oid = f.objid
left join pg_class c
    on c.oid = coalesce(nullif(k.conrelid, 0), g.tgrelid, p.polrelid, q.adrelid, x.indrelid, r.ev_class, o.oid)
left join pg_namespace n on n.oid = c.relnamespace
left join pg_attribute a on a.attrelid = coalesce(q.adrelid, case when f.subid > 0 then o.oid end)
    and a.attnum = coalesce(q.adnum::int, f.subid),
lateral (select * from pg_identify_object(
    case when v.oid is null then f.classid else 'pg_class'::regclass end, coalesce(v.oid, f.objid), f.subid)) i
where (c.oid is null or c.relname <> f.name or n.nspname <> f.schema or f.kind <> 'table' or k.contype = 'f'
    or f.classid in ('pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_rewrite'::regclass, 'pg_attrdef'::regclass))
    and not exists (select from pg_depend m where m.classid = f.classid and m.objid = f.objid and m.deptype = 'e')
    and not coalesce(g.tgisinternal, false)
    and f.classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass, 'pg_attrdef'::regclass,
        'pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass, 'pg_type'::regclass)
order by 1, 2, 3, 4, 7
"""


def dependents(connection: "psycopg.Connection[Any]", schemas: Iterable[str]) -> tuple[Dependent, ...]:
    """Who depends on tables, columns, keys, indexes, sequences and functions of these schemas, and on extensions."""
    with connection.transaction():
        # With this path PostgreSQL qualifies every name.
        connection.execute("set local search_path = pg_catalog")
        rows = connection.execute(_DEPENDENTS.encode(), {"schemas": list(schemas)}).fetchall()
    return tuple(Dependent(*row) for row in rows)
