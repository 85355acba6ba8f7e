"""Catalog queries of `gate db import`. OTHERS lists by name what the files can't express."""

SCHEMAS = """
select n.nspname, coalesce(obj_description(n.oid, 'pg_namespace'), '') from pg_namespace n
where n.nspname not in ('dbm', 'information_schema') and n.nspname !~ '^pg_'
    and not exists (select from pg_depend e where e.objid = n.oid
    and e.classid = 'pg_namespace'::regclass and e.deptype = 'e') order by 1
"""
EXTENSIONS = """
select x.extname, n.nspname from pg_extension x join pg_namespace n on n.oid = x.extnamespace
where x.extname <> 'plpgsql' order by 1
"""
TABLES = """
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
COLUMNS = """
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
CONSTRAINTS = """
select n.nspname, c.relname, k.conname, k.contype::text, k.convalidated, pg_get_constraintdef(k.oid),
    coalesce(obj_description(k.oid, 'pg_constraint'), '')
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and k.contype in ('p', 'u', 'c', 'f', 'x') and c.relkind = 'r'
order by c.oid, array_position(array['p', 'u', 'c', 'x', 'f'], k.contype::text), k.conname
"""
INDEXES = """
select n.nspname, c.relname, i.relname, x.indisvalid, x.indisunique, pg_get_indexdef(i.oid),
    coalesce(obj_description(i.oid, 'pg_class'), '')
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind = 'r'
    and not exists (select from pg_constraint k where k.conindid = i.oid and k.contype in ('p', 'u', 'x'))
order by c.oid, i.relname
"""
VIEWS = """
select n.nspname, c.relname, c.relkind::text, pg_get_viewdef(c.oid), coalesce(array_to_string(c.reloptions, ', '), ''),
    coalesce(obj_description(c.oid, 'pg_class'), ''),
    array(select array[quote_ident(a.attname), d.description] from pg_attribute a join pg_description d
        on d.objoid = c.oid and d.classoid = 'pg_class'::regclass and d.objsubid = a.attnum
        where a.attrelid = c.oid and a.attnum > 0 order by a.attnum)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('v', 'm')
    and not exists (select from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype = 'e')
order by c.oid
"""
FUNCTIONS = """
select n.nspname, p.proname, p.prokind::text, pg_get_function_identity_arguments(p.oid),
    case when p.prokind in ('f', 'p') then pg_get_functiondef(p.oid) end, p.oid::regprocedure::text,
    coalesce(obj_description(p.oid, 'pg_proc'), '')
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend e where e.objid = p.oid
    and e.classid = 'pg_proc'::regclass and e.deptype in ('e', 'i')) order by p.oid
"""
TRIGGERS = """
select n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled::text, t.tgconstraint <> 0,
    coalesce(obj_description(t.oid, 'pg_trigger'), '')
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
-- A clone on a partition belongs to the trigger of the partitioned table.
where n.nspname = any(%(schemas)s) and not t.tgisinternal and t.tgparentid = 0 order by t.oid
"""
POLICIES = """
select n.nspname, c.relname, p.polname, p.polpermissive, p.polcmd::text,
    array(select case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end from unnest(p.polroles) r),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid),
    coalesce(obj_description(p.oid, 'pg_policy'), '')
from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) order by c.oid, p.polname
"""
SECURED = """
select n.nspname, c.relname, c.relrowsecurity, c.relforcerowsecurity
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p')
    and (c.relrowsecurity or c.relforcerowsecurity) order by 1, 2
"""
SEQUENCES = """
select n.nspname, c.relname, s.seqtypid::regtype::text, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
    s.seqcycle, (select t.relname || '.' || a.attname from pg_depend d join pg_class t on t.oid = d.refobjid
        join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
        where d.objid = c.oid and d.classid = 'pg_class'::regclass and d.deptype = 'a')
from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s)
    and not exists (select from pg_depend e where e.objid = c.oid
    and e.classid = 'pg_class'::regclass and e.deptype in ('e', 'i'))
order by 1, 2
"""
OTHERS = """
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
select n.nspname, i.type || ' ' || i.identity
from (select 'pg_ts_dict'::regclass, oid, dictnamespace from pg_ts_dict
    union all select 'pg_ts_parser'::regclass, oid, prsnamespace from pg_ts_parser
    union all select 'pg_ts_template'::regclass, oid, tmplnamespace from pg_ts_template
    union all select 'pg_opclass'::regclass, oid, opcnamespace from pg_opclass
    union all select 'pg_opfamily'::regclass, oid, opfnamespace from pg_opfamily
    union all select 'pg_conversion'::regclass, oid, connamespace from pg_conversion
    union all select 'pg_type'::regclass, oid, typnamespace from pg_type where typtype = 'p'
) f (catalog, oid, space) join pg_namespace n on n.oid = f.space, pg_identify_object(f.catalog, f.oid, 0) i
where n.nspname = any(%(schemas)s) and not exists (select from pg_depend e where e.objid = f.oid
    and e.classid = f.catalog and e.deptype = 'e')
union all
select n.nspname, 'default of column ' || a.attname || ' of view ' || n.nspname || '.' || c.relname
from pg_attrdef d join pg_class c on c.oid = d.adrelid join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
where n.nspname = any(%(schemas)s) and c.relkind = 'v'
union all
select n.nspname, i.type || ' ' || i.identity || ' of ' || pg_get_userbyid(f.owner) || ': only its owner is left out'
from (select 'pg_class'::regclass, oid, relowner, relnamespace from pg_class where relkind in ('r', 'v', 'S', 'm', 'p')
        and not exists (select from pg_depend e where e.objid = pg_class.oid and e.classid = 'pg_class'::regclass
            and e.deptype in ('a', 'i'))
    union all select 'pg_proc'::regclass, oid, proowner, pronamespace from pg_proc
    union all select 'pg_namespace'::regclass, oid, nspowner, oid from pg_namespace
) f (catalog, oid, owner, space) join pg_namespace n on n.oid = f.space, pg_identify_object(f.catalog, f.oid, 0) i
where n.nspname = any(%(schemas)s) and f.owner <> current_user::regrole and n.nspname <> 'public'
    and not exists (select from pg_depend e where e.objid = f.oid and e.classid = f.catalog and e.deptype = 'e')
union all
select n.nspname, 'name or kind of the not-null rule ' || k.conname || ' of ' || n.nspname || '.' || c.relname || '.'
    || a.attname
from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = k.conkey[1]
where n.nspname = any(%(schemas)s) and k.contype = 'n' and c.relkind = 'r'
    and (not k.convalidated or k.connoinherit or k.conname <> c.relname || '_' || a.attname || '_not_null'
        -- PostgreSQL cuts names that would be too long.
        and octet_length(c.relname || a.attname) <= 53)
union all
select n.nspname, 'row-level triggers or rules of ' || n.nspname || '.' || c.relname || ' that are disabled: '
    || string_agg(t.tgname, ', ' order by t.tgname)
from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and t.tgisinternal and t.tgenabled <> 'O' and c.relkind = 'r'
group by n.nspname, c.relname
union all
select n.nspname, 'statistics target of index ' || n.nspname || '.' || c.relname
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind = 'i'
    and exists (select from pg_attribute a where a.attrelid = c.oid and coalesce(a.attstattarget, -1) >= 0)
union all
select n.nspname, 'options of the index behind constraint ' || k.conname || ' of ' || n.nspname || '.' || t.relname
    || ': ' || array_to_string(c.reloptions, ', ')
from pg_constraint k join pg_class c on c.oid = k.conindid join pg_class t on t.oid = k.conrelid
join pg_namespace n on n.oid = t.relnamespace
where n.nspname = any(%(schemas)s) and k.contype in ('p', 'u', 'x') and c.reloptions is not null
    and pg_get_constraintdef(k.oid) !~ ' WITH \\('
union all
select n.nspname, 'options of the storage beside table ' || n.nspname || '.' || c.relname || ': '
    || array_to_string(t.reloptions, ', ')
from pg_class c join pg_class t on t.oid = c.reltoastrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and t.reloptions is not null
union all
select n.nspname, 'sequence ' || n.nspname || '.' || c.relname || ': it is unlogged'
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any(%(schemas)s) and c.relkind = 'S' and c.relpersistence = 'u' and not exists (select
    from pg_depend e where e.objid = c.oid and e.classid = 'pg_class'::regclass and e.deptype in ('a', 'i'))
union all
select n.nspname, 'right of everybody to execute ' || p.oid::regprocedure || ', which was taken'
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname = any(%(schemas)s) and p.proacl is not null
    and not exists (select from aclexplode(p.proacl) g where g.grantee = 0)
    and not exists (select from pg_depend e where e.objid = p.oid and e.classid = 'pg_proc'::regclass
    and e.deptype in ('e', 'i'))
union all
select n.nspname, 'grant of usage on type ' || t.oid::regtype || ' to '
    || coalesce(nullif(pg_get_userbyid(g.grantee), 'unknown (OID=0)'), 'public')
from pg_type t join pg_namespace n on n.oid = t.typnamespace, aclexplode(t.typacl) g
where n.nspname = any(%(schemas)s) and g.grantee not in (t.typowner, 0)
union all
select '', 'cast from ' || c.castsource::regtype || ' to ' || c.casttarget::regtype from pg_cast c where c.oid >= 16384
    and not exists (select from pg_depend e where e.objid = c.oid and e.classid = 'pg_cast'::regclass
    and e.deptype in ('e', 'i'))
union all
select n.nspname, 'index ' || i.relname || ' of the materialized view ' || n.nspname || '.' || c.relname
from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
join pg_namespace n on n.oid = c.relnamespace where n.nspname = any(%(schemas)s) and c.relkind = 'm'
union all
select '', 'foreign data wrapper ' || fdwname from pg_foreign_data_wrapper
union all
select '', 'foreign server ' || srvname from pg_foreign_server
union all
select '', 'user mapping of ' || usename || ' for ' || srvname from pg_user_mappings
union all
select '', 'subscription ' || subname from pg_subscription
    where subdbid = (select oid from pg_database where datname = current_database())
union all
select '', 'language ' || lanname from pg_language where oid >= 16384
    and not exists (select from pg_depend e where e.objid = pg_language.oid
    and e.classid = 'pg_language'::regclass and e.deptype = 'e')
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
    and d.deptype = 'i' and d.refobjsubid > 0
join pg_class c on c.oid = d.refobjid join pg_namespace n on n.oid = c.relnamespace
join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
join pg_class o on o.oid = s.seqrelid
where n.nspname = any(%(schemas)s) and (s.seqstart <> 1 or s.seqincrement <> 1 or s.seqcache <> 1 or s.seqcycle
    or s.seqmin <> 1 or s.seqtypid <> a.atttypid or o.relname <> c.relname || '_' || a.attname || '_seq'
    or s.seqmax <> case s.seqtypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
        else 9223372036854775807 end)
union all
select n.nspname, 'comment on ' || i.type || ' ' || i.identity
from pg_description d left join pg_class c on d.classoid = 'pg_class'::regclass and c.oid = d.objoid
left join pg_index x on x.indexrelid = c.oid left join pg_class xt on xt.oid = x.indrelid
left join pg_constraint k on d.classoid = 'pg_constraint'::regclass and k.oid = d.objoid
left join pg_class kt on kt.oid = k.conrelid
left join pg_proc p on d.classoid = 'pg_proc'::regclass and p.oid = d.objoid,
    pg_identify_object(d.classoid, d.objoid, d.objsubid) i, pg_namespace n
where n.nspname = any(%(schemas)s)
    and (i.schema = n.nspname or i.identity like '%% on ' || quote_ident(n.nspname) || '.%%')
    -- These are written down, or listed with their table.
    and not coalesce(c.relkind in ('r', 'v') or xt.relkind = 'r' or kt.relkind = 'r' or p.prokind in ('f', 'p'), false)
    and d.classoid not in ('pg_trigger'::regclass, 'pg_policy'::regclass)
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
