"""What a schema has beside tables, columns, constraints and indexes: views, functions, triggers, policies, row-level
security, types, free sequences, statistics, rules, and rights of roles that aren't the schema's own.

One query gives each its name and the way it is dropped, so that what scripts made, what a plan lists as somebody
else's, and what drift looks for are always called the same.
"""

# Schema, name, type, identity, and the order in which things can have been made. `own`: "<schema> <role>" of the roles
# whose rights db-manager itself sees to.
QUERY = """
with spaces as (select oid, nspname from pg_namespace where nspname = any(%(schemas)s)),
found (schema, catalog, oid, prefix) as (
    select n.nspname, 'pg_class'::regclass, c.oid,
        case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'f' then 'foreign table '
        else 'sequence ' end || c.relname
    from pg_class c join spaces n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm', 'f', 'S') and not exists (select from pg_depend d
        where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype in ('e', 'i', 'a'))
    union all
    select n.nspname, 'pg_proc'::regclass, p.oid,
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end
        || ' ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
    from pg_proc p join spaces n on n.oid = p.pronamespace
    where not exists (select from pg_depend d
        where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
    union all
    select n.nspname, 'pg_trigger'::regclass, t.oid, 'trigger ' || t.tgname || ' on ' || c.relname
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join spaces n on n.oid = c.relnamespace
    where not t.tgisinternal
    union all
    select n.nspname, 'pg_policy'::regclass, p.oid, 'policy ' || p.polname || ' on ' || c.relname
    from pg_policy p join pg_class c on c.oid = p.polrelid join spaces n on n.oid = c.relnamespace
    union all
    select n.nspname, 'pg_type'::regclass, t.oid,
        case when t.typtype = 'd' then 'domain ' else 'type ' end || t.typname
    from pg_type t join spaces n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where (t.typtype in ('d', 'e', 'r') or c.relkind = 'c') and not exists (select from pg_depend d
        where d.objid = t.oid and d.classid = 'pg_type'::regclass and d.deptype = 'e')
),
rights (schema, place, privilege, grantee) as (
    select n.nspname, case when c.relkind = 'S' then 'sequence ' else 'table ' end
        || quote_ident(n.nspname) || '.' || quote_ident(c.relname), g.privilege_type, g.grantee
    from pg_class c join spaces n on n.oid = c.relnamespace, aclexplode(c.relacl) g
    where g.grantee <> c.relowner and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
    union all
    select n.nspname, 'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        g.privilege_type || ' (' || quote_ident(a.attname) || ')', g.grantee
    from pg_class c join spaces n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid,
        aclexplode(a.attacl) g
    where g.grantee <> c.relowner
    union all
    select n.nspname, 'schema ' || quote_ident(n.nspname), g.privilege_type, g.grantee
    from spaces s join pg_namespace n on n.oid = s.oid, aclexplode(n.nspacl) g where g.grantee <> n.nspowner
)
select f.schema, f.prefix, i.type, i.identity, f.oid::bigint
from found f, pg_identify_object(f.catalog, f.oid, 0) i
union all
select n.nspname, 'statistics ' || s.stxname, 'statistics',
    quote_ident(n.nspname) || '.' || quote_ident(s.stxname), s.oid::bigint
from pg_statistic_ext s join spaces n on n.oid = s.stxnamespace
union all
select n.nspname, 'rule ' || r.rulename || ' on ' || c.relname, 'rule',
    quote_ident(r.rulename) || ' on ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), r.oid::bigint
from pg_rewrite r join pg_class c on c.oid = r.ev_class join spaces n on n.oid = c.relnamespace
where r.rulename <> '_RETURN'
union all
select n.nspname, 'row-level security of ' || c.relname || case when c.relforcerowsecurity then ', forced' else '' end,
    'row security', quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.oid::bigint
from pg_class c join spaces n on n.oid = c.relnamespace where c.relrowsecurity
union all
select r.schema, 'grant of ' || lower(privilege) || ' on ' || place || ' to ' || coalesce(o.rolname, 'public'),
    'grant', privilege || ' on ' || place || ' from ' || coalesce(quote_ident(o.rolname), 'public'), 1::bigint << 33
from rights r left join pg_roles o on o.oid = r.grantee
where r.grantee = 0 or not r.schema || ' ' || o.rolname = any(%(own)s)
order by 1, 2
"""


def drop(kind: str, identity: str) -> str:
    """The statement that takes away what QUERY calls by this type and identity."""
    if kind == "row security":
        return f"alter table if exists {identity} disable row level security, no force row level security"
    if kind == "grant":
        return f"revoke {identity}"
    return f"drop {kind} if exists {identity}"


# How PostgreSQL words what can be changed by hand under the same name; by schema and name as in QUERY.
DEFINITIONS = """
select n.nspname, case c.relkind when 'v' then 'view ' else 'materialized view ' end || c.relname, pg_get_viewdef(c.oid)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('v', 'm')
union all
select n.nspname, case p.prokind when 'p' then 'procedure' else 'function' end
    || ' ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', pg_get_functiondef(p.oid)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any(%(schemas)s) and p.prokind in ('f', 'p')
union all
select n.nspname, 'trigger ' || t.tgname || ' on ' || c.relname, pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and not t.tgisinternal
union all
select n.nspname, 'policy ' || p.polname || ' on ' || c.relname, concat_ws(' ', p.polcmd::text, p.polpermissive,
    array(select pg_get_userbyid(r) from unnest(p.polroles) r), pg_get_expr(p.polqual, p.polrelid),
    pg_get_expr(p.polwithcheck, p.polrelid))
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
"""
