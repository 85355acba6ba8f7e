"""The schema `dbm`: db-manager's records in the database that it manages. Created in one transaction; services read two
views of it, `dbm.version` and `dbm.epoch`.

The schema's comment names the layout of the records. Each service has a database image of its own, with the db-manager
that it was built with: one is promoted after another, or rolled back, so that older versions meet newer records. A
later layout that only adds says so: "layout 5, readable from 3" is taken by every version from layout 3 on.
"""

import re

LAYOUT_1, LAYOUT_2, LAYOUT_3 = (f"gatehouse db-manager, layout {number}" for number in (1, 2, 3))
NUMBER = 4
LAYOUT = f"gatehouse db-manager, layout {NUMBER}, readable from 3"
_LATER = re.compile(r"gatehouse db-manager, layout \d+, readable from (\d+)")


def is_older(layout: str) -> bool:
    """Whether the records must be brought along before anything is applied."""
    return layout in {"", LAYOUT_1, LAYOUT_2, LAYOUT_3}


def is_known(layout: str) -> bool:
    """Whether this version reads and writes such records."""
    later = _LATER.fullmatch(layout)
    return layout in {LAYOUT_1, LAYOUT_2, LAYOUT_3} or (later is not None and int(later[1]) <= NUMBER)


BOOTSTRAP = """
create schema dbm;
revoke all on schema dbm from public;

create table dbm.environment (
    only_one boolean primary key default true check (only_one),
    name text not null,
    marked_at timestamptz not null default now()
);
comment on table dbm.environment is 'Which environment this database belongs to; test data never enters production';

create table dbm.fence (schema text primary key, epoch bigint not null);
comment on table dbm.fence is 'Raised by each run; a run whose epoch is no longer the newest stops at its next step';

create table dbm.run (
    id bigint generated always as identity primary key,
    schema text not null,
    epoch bigint not null,
    fingerprint text not null,
    environment text not null,
    state text not null default 'running' check (state in ('running', 'done', 'failed')),
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz,
    error text
);

create table dbm.step (
    run bigint not null references dbm.run,
    position integer not null,
    kind text not null check (kind in ('tx', 'no_tx')),
    collection text not null,
    what text not null,
    statements text[] not null,
    state text not null check (state in ('intent', 'done', 'failed')),
    attempts integer not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    error text,
    primary key (run, position)
);

create table dbm.object (
    schema text not null,
    kind text not null,
    name text not null,
    digest text not null,
    details jsonb not null default '{}',
    primary key (schema, kind, name)
);
comment on table dbm.object is 'What each object was made from: PostgreSQL rewrites expressions, which hides changes';

create table dbm.collection_version (
    schema text not null,
    collection text not null,
    version text not null,
    digest text not null,
    types_digest text not null,
    applied_at timestamptz not null default now(),
    run bigint not null references dbm.run,
    primary key (schema, collection)
);
create table dbm.history (like dbm.collection_version including defaults, primary key (schema, collection, version));

create table dbm.enumerator (
    schema text not null,
    snapshot integer not null,
    digest text not null,
    content jsonb not null,
    applied_at timestamptz not null default now(),
    primary key (schema, snapshot)
);

create table dbm.data (
    schema text not null,
    collection text not null,
    kind text not null check (kind in ('reference', 'test')),
    digest text not null,
    rows integer not null,
    applied_at timestamptz not null default now(),
    primary key (schema, collection, kind)
);

create view dbm.version as
    select schema, collection, version, digest, applied_at from dbm.collection_version;
comment on view dbm.version is 'The Version document that services show at /version';

-- RFC 9562, 5.7: 48 bits of milliseconds, then random. PostgreSQL has its own from 18 on; 15 is supported.
create function dbm.uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid()) placing
                substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
            52, 1), 53, 1), 'hex')::uuid
$$;
revoke all on function dbm.uuid_v7() from public;
"""

# Also the upgrade from layout 1.
TO_LAYOUT_2 = """
alter table dbm.run add column target text not null default '', add column approved jsonb not null default '[]';
alter table dbm.step drop constraint step_kind_check,
    add constraint step_kind_check check (kind in ('tx', 'no_tx', 'backfill'));

create table dbm.backfill (
    schema text not null,
    name text not null,
    place jsonb,
    upper jsonb not null,
    rows bigint not null default 0,
    primary key (schema, name)
);
comment on table dbm.backfill is 'How far each unfinished backfill has come: the key of the last row done';

create table dbm.migration (
    schema text not null,
    name text not null,
    digest text not null,
    applied_at timestamptz not null default now(),
    run bigint not null references dbm.run,
    primary key (schema, name)
);
"""
# A constraint is recorded as `table.name`: other tables may have one of its name.
TO_LAYOUT_3 = """
insert into dbm.object (schema, kind, name, digest, details)
select o.schema, o.kind, t.relname || '.' || o.name, o.digest, o.details
from dbm.object o join pg_constraint k on k.conname = o.name and k.connamespace = to_regnamespace(o.schema)
join pg_class t on t.oid = k.conrelid
where k.contype::text = case o.kind when 'primary_key' then 'p' when 'unique' then 'u' when 'check' then 'c'
    when 'foreign_key' then 'f' when 'exclusion' then 'x' end
on conflict do nothing;
delete from dbm.object
where kind in ('primary_key', 'unique', 'check', 'foreign_key', 'exclusion') and position('.' in name) = 0;
"""
# A cluster's identifier, as PostgreSQL drew it at initdb. A physical copy keeps it, and its transaction ids go on.
_CLUSTER = "(select system_identifier::text from pg_control_system())"
# Not granted to roles one by one: of dbm only they may use anything, and this is a number.
TO_LAYOUT_4 = f"""
alter table dbm.environment add column epoch integer not null default 1, add column cluster text;
update dbm.environment set cluster = {_CLUSTER};
create view dbm.epoch as select epoch from dbm.environment where cluster = {_CLUSTER};
comment on view dbm.epoch is
    'How often this database came into a new cluster, where transaction ids begin anew; none until db-manager saw it';
grant select on dbm.epoch to public;
"""  # noqa: S608 - constants
# What was restored by pg_restore, or moved, runs in a cluster that it doesn't know.
RAISE_EPOCH = f"""
update dbm.environment set epoch = epoch + 1, cluster = {_CLUSTER} where cluster is distinct from {_CLUSTER}
"""  # noqa: S608 - constants
MARKER = f"select name, cluster is distinct from {_CLUSTER} from dbm.environment"  # noqa: S608 - constants
MARKER_3 = "select name, false from dbm.environment"
# Which statements take the most time, for the Database dashboard. Who may not create it goes on without. Its view is
# open to every role, and shows to each the text of its own statements only.
KEEP_STATEMENTS = """do $$ begin
create extension if not exists pg_stat_statements schema dbm;
exception when insufficient_privilege or undefined_file or duplicate_object or unique_violation then null;
end $$"""
MARK = f"insert into dbm.environment (name, cluster) values (%s, {_CLUSTER})"  # noqa: S608 - constants
