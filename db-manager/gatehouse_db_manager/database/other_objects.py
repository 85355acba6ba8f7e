"""Objects of a schema other than tables, columns, constraints and indexes: views, functions, triggers, policies,
row-level security, types, free sequences, statistics, rules, and grants to other roles than the schema's own.

One query gives each a name and the way to drop it, so that scripts, plans and drift use the same names.
"""

from collections.abc import Iterable

# What can be there, in three groups, by kind: clues to them (see CLUES), and the query that names them.
# Planning and running all of them costs more than the rest of an inspection, and most databases have few.
_SPACES = "with spaces as (select oid, nspname from pg_namespace where nspname = any(%(schemas)s))"
# Objects that pg_identify_object names: schema, catalog, object, name.
_IDENTIFIED = {
    "relation": (
        "v m f S",
        """
    select n.nspname, 'pg_class'::regclass, c.oid,
        case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'f' then 'foreign table '
        else 'sequence ' end || c.relname
    from pg_class c join spaces n on n.oid = c.relnamespace
    where c.relkind in ('v', 'm', 'f', 'S') and not exists (select from pg_depend d
        where d.objid = c.oid and d.classid = 'pg_class'::regclass and (d.deptype in ('e', 'i') or d.deptype = 'a'
            -- Serial: the sequence is the column's, and the column counts by it.
            and exists (select from pg_attrdef e join pg_depend u on u.objid = e.oid and u.refobjid = c.oid
                where e.adrelid = d.refobjid and e.adnum = d.refobjsubid and u.classid = 'pg_attrdef'::regclass)))
""",
    ),
    "routine": (
        "pg_proc",
        """
    select n.nspname, 'pg_proc'::regclass, p.oid,
        case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end
        || ' ' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
    from pg_proc p join spaces n on n.oid = p.pronamespace
    where not exists (select from pg_depend d
        where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype in ('e', 'i'))
""",
    ),
    "trigger": (
        "pg_trigger",
        """
    select n.nspname, 'pg_trigger'::regclass, t.oid, 'trigger ' || t.tgname || ' on ' || c.relname
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join spaces n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgparentid = 0
""",
    ),
    "policy": (
        "pg_policy",
        """
    select n.nspname, 'pg_policy'::regclass, p.oid, 'policy ' || p.polname || ' on ' || c.relname
    from pg_policy p join pg_class c on c.oid = p.polrelid join spaces n on n.oid = c.relnamespace
""",
    ),
    "type": (
        "pg_type c",
        """
    select n.nspname, 'pg_type'::regclass, t.oid,
        case when t.typtype = 'd' then 'domain ' else 'type ' end || t.typname
    from pg_type t join spaces n on n.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
    where (t.typtype in ('d', 'e', 'r') or c.relkind = 'c') and not exists (select from pg_depend d
        where d.objid = t.oid and d.classid = 'pg_type'::regclass and d.deptype = 'e')
""",
    ),
    "collation": (
        "pg_collation",
        """
    select n.nspname, 'pg_collation'::regclass, c.oid, 'collation ' || c.collname
    from pg_collation c join spaces n on n.oid = c.collnamespace
""",
    ),
    "operator": (
        "pg_operator",
        """
    select n.nspname, 'pg_operator'::regclass, o.oid,
        'operator ' || o.oprname || '(' || oprleft::regtype || ', ' || oprright::regtype || ')'
    from pg_operator o join spaces n on n.oid = o.oprnamespace where not exists (select from pg_depend d
        where d.objid = o.oid and d.classid = 'pg_operator'::regclass and d.deptype = 'e')
""",
    ),
    "text search configuration": (
        "pg_ts_config",
        """
    select n.nspname, 'pg_ts_config'::regclass, c.oid, 'text search configuration ' || c.cfgname
    from pg_ts_config c join spaces n on n.oid = c.cfgnamespace
""",
    ),
    "text search dictionary": (
        "pg_ts_dict",
        """
    select n.nspname, 'pg_ts_dict'::regclass, d.oid, 'text search dictionary ' || d.dictname
    from pg_ts_dict d join spaces n on n.oid = d.dictnamespace
""",
    ),
}
# Schema, place, privilege, grantee, whether it can be passed on, and what the schema's own role has without a script
# saying so.
_RIGHTS = {
    "rights of tables": (
        "r p v m f S",
        """
    select n.nspname, case when c.relkind = 'S' then 'sequence ' else 'table ' end
        || quote_ident(n.nspname) || '.' || quote_ident(c.relname), g.privilege_type, g.grantee, g.is_grantable,
        case when c.relkind = 'S' then '{USAGE,SELECT}'::text[] else '{SELECT,INSERT,UPDATE,DELETE}' end
    from pg_class c join spaces n on n.oid = c.relnamespace, aclexplode(c.relacl) g
    where g.grantee <> c.relowner and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
""",
    ),
    "rights of columns": (
        "attacl",
        """
    select n.nspname, 'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname),
        g.privilege_type || ' (' || quote_ident(a.attname) || ')', g.grantee, g.is_grantable, '{}'::text[]
    from pg_class c join spaces n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid,
        aclexplode(a.attacl) g
    where g.grantee <> c.relowner
""",
    ),
    "rights of routines": (
        "pg_proc",
        """
    select n.nspname, case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure,
        g.privilege_type, g.grantee, g.is_grantable, '{EXECUTE}'::text[]
    from pg_proc p join spaces n on n.oid = p.pronamespace, aclexplode(p.proacl) g
    where g.grantee not in (p.proowner, 0) and not exists (select from pg_depend d
        where d.objid = p.oid and d.classid = 'pg_proc'::regclass and d.deptype = 'e')
""",
    ),
    "rights of schemas": (
        "nspacl",
        """
    select n.nspname, 'schema ' || quote_ident(n.nspname), g.privilege_type, g.grantee, g.is_grantable,
        '{USAGE}'::text[]
    from spaces s join pg_namespace n on n.oid = s.oid, aclexplode(n.nspacl) g where g.grantee <> n.nspowner
""",
    ),
}
# Schema, name, type, identity, and creation order.
_OTHERS = {
    "statistics": (
        "pg_statistic_ext",
        """
    select n.nspname, 'statistics ' || s.stxname, 'statistics',
        quote_ident(n.nspname) || '.' || quote_ident(s.stxname), s.oid::bigint
    from pg_statistic_ext s join spaces n on n.oid = s.stxnamespace
""",
    ),
    "rule": (
        "pg_rewrite",
        """
    select n.nspname, 'rule ' || r.rulename || ' on ' || c.relname, 'rule',
        quote_ident(r.rulename) || ' on ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), r.oid::bigint
    from pg_rewrite r join pg_class c on c.oid = r.ev_class join spaces n on n.oid = c.relnamespace
    where r.rulename <> '_RETURN'
""",
    ),
    "row security": (
        "secured",
        """
    select n.nspname, case when c.relrowsecurity then '' else 'forced ' end || 'row-level security of ' || c.relname
        || case when c.relrowsecurity and c.relforcerowsecurity then ', forced' else '' end,
        'row security', quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.oid::bigint
    from pg_class c join spaces n on n.oid = c.relnamespace where c.relrowsecurity or c.relforcerowsecurity
""",
    ),
    "default rights": (
        "pg_default_acl",
        """
    select n.nspname, 'default rights of ' || pg_get_userbyid(d.defaclrole) || ': ' || lower(g.privilege_type) || ' on '
            || k.name || ' to ' || coalesce(o.rolname, 'public'), 'default rights',
        'for role ' || quote_ident(pg_get_userbyid(d.defaclrole)) || ' in schema ' || quote_ident(n.nspname)
            || ' revoke ' || g.privilege_type || ' on ' || k.name || ' from '
            || coalesce(quote_ident(o.rolname), 'public'),
        (1::bigint << 33) + 1
    from pg_default_acl d join spaces n on n.oid = d.defaclnamespace
    join (values ('r', 'tables'), ('S', 'sequences'), ('f', 'routines'), ('T', 'types')) k (type, name)
        on k.type = d.defaclobjtype::text, aclexplode(d.defaclacl) g left join pg_roles o on o.oid = g.grantee
""",
    ),
    "option": (
        "reloptions",
        """
    select n.nspname, 'option ' || o.option_name || '=' || o.option_value || ' of ' || c.relname, 'option',
        quote_ident(n.nspname) || '.' || quote_ident(c.relname) || ' reset (' || o.option_name || ')',
        (1::bigint << 33) + 3
    from pg_class c join spaces n on n.oid = c.relnamespace, pg_options_to_table(c.reloptions) o
    where c.relkind in ('r', 'p')
""",
    ),
    "comment": (
        "pg_description",
        """
    select n.nspname, 'comment on ' || i.type || ' ' || i.identity, 'comment',
        case i.type when 'index' then 'index ' || i.identity else 'constraint ' || i.identity end, (1::bigint << 33) + 2
    from (select k.connamespace, m.classoid, m.objoid from pg_constraint k
            join pg_description m on m.objoid = k.oid and m.classoid = 'pg_constraint'::regclass where k.conrelid <> 0
        union all select c.relnamespace, m.classoid, m.objoid from pg_class c
            join pg_description m on m.objoid = c.oid and m.classoid = 'pg_class'::regclass and m.objsubid = 0
            where c.relkind = 'i') d (space, catalog, oid)
    join spaces n on n.oid = d.space, pg_identify_object(d.catalog, d.oid, 0) i
""",
    ),
}
# Clues to what is there: catalogs whose objects belong to the schemas and their relations, kinds of these relations,
# and settings that they have. Nothing of a kind is there without one of its clues.
CLUES = f"""
{_SPACES}, relations as (
    select oid, relkind, relrowsecurity or relforcerowsecurity as secured, reloptions
    from pg_class where relnamespace in (select oid from spaces)
)
select d.classid::regclass::text from spaces s
    join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = s.oid
union select d.classid::regclass::text from relations r
    join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = r.oid and d.classid <> 'pg_type'::regclass
union select relkind::text from relations
union select 'secured' from relations where secured
union select 'reloptions' from relations where reloptions is not null
union select 'nspacl' from spaces
union select 'attacl' from relations r join pg_attribute a on a.attrelid = r.oid where a.attacl is not null
union select 'pg_description' from pg_description d where d.classoid = 'pg_constraint'::regclass
    or (d.classoid = 'pg_class'::regclass and d.objsubid = 0
        and d.objoid in (select oid from relations where relkind = 'i'))
"""  # noqa: S608 (constants)


def query(clues: Iterable[str] | None = None) -> str:
    """Schema, name, type, identity, and creation order of objects, where there are such `clues`; None: of all.
    `services` and `readers`: "<schema> <role>" of the roles whose grants db-manager issues itself."""
    known = None if clues is None else set(clues)
    identified, rights, others = (
        [text for wanted, text in group.values() if known is None or not known.isdisjoint(wanted.split())]
        for group in (_IDENTIFIED, _RIGHTS, _OTHERS)
    )
    parts = [_SPACES]
    for texts, name, selected in ((identified, _FOUND, _IDENTITY), (rights, _GRANTED, _GRANTS)):
        if texts:
            parts.append(f"{name} as ({' union all '.join(texts)})")
            others.append(selected)
    return f"{', '.join(parts)} {' union all '.join(others) or _NOTHING} order by 1, 2"


_FOUND = "found (schema, catalog, oid, prefix)"
_GRANTED = "rights (schema, place, privilege, grantee, grantable, usual)"
_IDENTITY = """
select f.schema, f.prefix, i.type, i.identity, f.oid::bigint
from found f, pg_identify_object(f.catalog, f.oid, 0) i"""
_GRANTS = """
select r.schema, 'grant of ' || lower(privilege) || ' on ' || place || ' to ' || coalesce(o.rolname, 'public')
        || case when grantable then ' with grant option' else '' end,
    'grant', privilege || ' on ' || place || ' from ' || coalesce(quote_ident(o.rolname), 'public'), 1::bigint << 33
from rights r left join pg_roles o on o.oid = r.grantee
where r.grantable or r.grantee = 0 or not (r.privilege = any(r.usual) and (
    r.schema || ' ' || o.rolname = any(%(services)s) or r.schema || ' ' || o.rolname = any(%(readers)s)
        and r.privilege in ('SELECT', 'EXECUTE', 'USAGE') and r.place !~ '^sequence'))"""
_NOTHING = "select ''::text, '', '', '', 0::bigint where false"

# Indexes of a schema's tables that no collection declares: name, identity and order.
INDEXES = """
select 'index ' || i.relname || ' on ' || c.relname, quote_ident(n.nspname) || '.' || quote_ident(i.relname),
    i.oid::bigint
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = %s and c.relkind in ('r', 'p')
    and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))
    and not exists (select from dbm.object o where o.schema = %s and o.kind = 'index' and o.name = i.relname)
"""


def about(roles: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, list[str]]:
    """Parameters of `query`: schemas with their roles, service and reader."""
    named = list(roles)
    return {
        "schemas": [schema for schema, _ in named],
        "services": [f"{schema} {own[0]}" for schema, own in named if own],
        "readers": [f"{schema} {one}" for schema, own in named for one in own[1:]],
    }


def drop(kind: str, identity: str) -> str:
    """The statement that drops what `query` reports with this type and identity."""
    if kind == "row security":
        return f"alter table if exists {identity} disable row level security, no force row level security"
    if kind == "grant":
        return f"revoke {identity}"
    if kind == "default rights":
        return f"alter default privileges {identity}"
    if kind == "option":
        return f"alter table {identity}"
    if kind == "comment":
        return f"comment on {identity} is null"
    return f"drop {kind} if exists {identity}"


# PostgreSQL's text of objects that can be changed under the same name; by schema and name as in `query`.
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
