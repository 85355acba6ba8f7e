"""`gate db import`: a database that somebody else made becomes configuration whose plan against it is empty."""

import subprocess

import pytest
from click.testing import CliRunner

from gatehouse_db_manager import ConfigurationError, RefusedError, api, load, plan
from gatehouse_db_manager.cli.commands import db
from gatehouse_db_manager.importer.read import read
from gatehouse_db_manager.importer.write import files_of
from gatehouse_local.postgres_wheels import binary

from ..foreign import DATABASES

FOREIGN = """
create schema shop;
comment on schema shop is 'A shop of old';
create type shop.mood as enum ('sad', 'happy');
create domain shop.postcode as text check (value ~ '^[0-9]{5}$');
create sequence shop.invoice_number start 1000;

create table shop.customer (
    id serial primary key,
    email varchar(254) not null,
    name text collate "C" not null default 'nobody',
    born date,
    mood shop.mood default 'happy',
    postcode shop.postcode,
    balance numeric(12, 2) not null default 0,
    token uuid not null default gen_random_uuid(),
    tags text[] not null default '{}',
    seen timestamp without time zone,
    lower_email text generated always as (lower(email)) stored,
    constraint customer_email_key unique (email),
    constraint grown check (born is null or born < date '2020-01-01'),
    "Nick" text
);
comment on table shop.customer is 'Who buys; it''s quoted';
comment on column shop.customer.email is 'Where to write';
create table shop.orders (
    id bigint generated always as identity primary key,
    customer_id int not null references shop.customer on delete cascade deferrable initially deferred,
    referrer_id integer references shop.customer (id) on update set null,
    number int not null default nextval('shop.invoice_number'),
    during tstzrange not null,
    place point,
    notes jsonb,
    total numeric not null,
    constraint no_overlap exclude using gist (during with &&) where (total > 0),
    constraint total_positive check (total >= 0)
);
create table shop.order_line (
    order_id bigint not null references shop.orders,
    position smallint not null,
    product text not null,
    amount real,
    constraint pk_order_line primary key (order_id, position)
);
create table shop.tracking (
    order_id bigint, position smallint, at timestamptz default now(),
    constraint fk_line foreign key (order_id, position) references shop.order_line (order_id, position) match full
);
create index idx_orders_total on shop.orders (total desc nulls last, customer_id) include (number) where total > 10;
create index orders_notes on shop.orders using gin (notes jsonb_path_ops);
create index orders_place on shop.orders using gist (place);
create index orders_place_sp on shop.orders using spgist (place) with (fillfactor = 80);
create index orders_number_hash on shop.orders using hash (number);
create index tracking_at_brin on shop.tracking using brin (at) with (pages_per_range = 32);
create unique index customer_lower on shop.customer (lower(name) text_pattern_ops, born);
create unique index one_token on shop.customer (token) nulls not distinct;

create function shop.total_of(customer int) returns numeric language sql stable as
    $$ select coalesce(sum(total), 0) from shop.orders where customer_id = customer $$;
create procedure shop.tidy() language sql as $$ delete from shop.tracking where at < now() - interval '1 year' $$;
create view shop.rich as select c.id, c.name, shop.total_of(c.id) as total from shop.customer c where c.balance > 100;
create view shop.richest as select * from shop.rich order by total desc limit 1;
comment on view shop.rich is 'Good customers';
create materialized view shop.daily as select date_trunc('day', at) as day, count(*) from shop.tracking group by 1;
create function shop.touch() returns trigger language plpgsql as $$ begin new.seen := now(); return new; end $$;
create trigger touch_customer before update on shop.customer for each row execute function shop.touch();
alter table shop.orders enable row level security;
create policy own on shop.orders for select to public using (customer_id = 1);
create policy "No Deletes" on shop.orders as restrictive for delete using (false);

create table shop.events (at timestamptz not null, what text) partition by range (at);
create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01');
create table shop."Odd Table" (id int);
create unlogged table shop.scratch (id int);
alter table shop.tracking add constraint later check (position > 0) not valid;
alter table shop.customer set (fillfactor = 90);
create rule quiet as on delete to shop.scratch do instead nothing;
create statistics shop.related on customer_id, total from shop.orders;
grant select on shop.customer to public;

create table public.plain (id int primary key, name text);

insert into shop.customer (email, name, born) values ('ada@example.org', 'Ada', '1815-12-10');
insert into shop.orders (customer_id, during, total) values (1, '[2026-01-01,2026-02-01)', 12);
"""


def dump(url: str) -> str:
    """The whole database but what import adds: dbm, and rights of the new roles."""
    command = [str(binary("pg_dump")), "--exclude-schema=dbm", "--no-privileges", url]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in text.splitlines() if "restrict " not in line)


@pytest.fixture
def foreign(database):
    database.run(FOREIGN)
    return database


@pytest.fixture
def run(foreign, tmp_path):
    def run(*words: str, exit_code: int = 0) -> str:
        given = ["import", "--url", foreign.url, "--out", str(tmp_path / "out"), *words]
        result = CliRunner().invoke(db, given)
        assert result.exit_code == exit_code, result.output
        return result.output

    return run


def test_a_plan_against_what_was_imported_is_empty(run, foreign, tmp_path):
    assert "The plan is empty." in run()
    configuration = load(tmp_path / "out")
    planned = plan(foreign.url, configuration)
    assert planned.empty
    assert planned.refusals == ()
    assert [schema.name for schema in configuration.schemas] == ["public", "shop"]
    assert api.status(foreign.url, configuration).pending == 0


def test_nothing_that_was_there_is_touched(run, foreign):
    before = dump(foreign.url)
    rights = "select relname, array_to_string(relacl, ' ') from pg_class where relname = 'customer'"
    run()
    assert dump(foreign.url) == before
    assert "=r/" in foreign.run(rights)[0][1], "what everybody might do, everybody still may"


def test_what_cannot_be_written_down_is_listed_by_name(run):
    shown = run()
    for name in (
        "enum type shop.mood",
        "domain shop.postcode",
        'column "Nick" of shop.customer',
        "materialized view shop.daily",
        "table shop.events: it is partitioned",
        "table shop.events_2026: it is a partition",
        "table shop.Odd Table: it has a name",
        "table shop.scratch: it is unlogged",
        "constraint later of shop.tracking: it isn't valid",
        "options of table shop.customer: fillfactor=90",
        "rule quiet on shop.scratch",
        "statistics shop.related",
        "grant of select on shop.customer to public",
    ):
        assert name in shown, name


def test_every_rule_and_index_is_written_down_in_full(run, foreign, tmp_path):
    run()
    shop = load(tmp_path / "out")["shop"]
    tables = {one.name: one.table for one in shop.collections}
    live = foreign.tables("shop")
    for name, table in tables.items():
        written = {item.name: item.definition for item in table.constraints}
        assert written == {k: v.definition for k, v in live[name].constraints.items() if v.valid}
        assert {item.name for item in table.indexes} == set(live[name].indexes)
        assert {column.name for column in table.columns} == {one for one in live[name].columns if one != "Nick"}
    orders = {index.name: index.definition for index in tables["orders"].indexes}
    assert "jsonb_path_ops" in orders["orders_notes"]
    assert "INCLUDE (number)" in orders["idx_orders_total"]
    assert "fillfactor='80'" in orders["orders_place_sp"]
    scripts = "\n".join(script.sql for script in shop.scripts)
    for made in ("shop.total_of", '"shop"."rich"', '"shop"."richest"', "touch_customer", '"No Deletes"', "shop.tidy"):
        assert made in scripts


def test_what_was_imported_changes_like_any_other_collection(run, foreign, tmp_path):
    run()
    file = tmp_path / "out/services/shop/database/collections/order_line.yaml"
    text = file.read_text().replace("version: 1.0.0.0", "version: 1.0.1.0")
    file.write_text(text.replace("  product:", "  colour:\n    type: text\n  product:"))
    planned = plan(foreign.url, load(tmp_path / "out"))
    assert [step.what for step in planned.steps] == ["add column colour"]
    api.apply(foreign.url, load(tmp_path / "out"))
    assert "colour" in foreign.tables("shop")["order_line"].columns
    assert plan(foreign.url, load(tmp_path / "out")).empty


def test_its_tables_can_be_made_again_elsewhere(foreign, new_database, tmp_path):
    """A table of plain types, made from its file on an empty database, is as it was."""
    source = new_database()
    source.run(
        "create schema shop; create table shop.item (id bigint generated by default as identity primary key, "
        "code varchar(10) not null unique, lower_code text generated always as (lower(code)) stored, "
        "price numeric(10, 2) not null default 1.5 check (price >= 0), n serial); "
        "create index by_price on shop.item using brin (price); comment on table shop.item is 'An item'"
    )
    out = tmp_path / "item"
    given = ["import", "--url", source.url, "--out", str(out), "--schema", "shop"]
    assert CliRunner().invoke(db, given).exit_code == 0
    target = new_database()
    api.apply(target.url, load(out))
    assert target.tables("shop") == source.tables("shop")


def test_looking_only_writes_files_and_nothing_else(run, foreign, tmp_path):
    assert "is not managed yet" in run("--files-only", "--schema", "shop")
    assert foreign.value("select to_regnamespace('dbm') is null")
    assert not (tmp_path / "out/services/public").exists()


def test_what_people_wrote_is_never_overwritten(run):
    run("--files-only")
    assert "exists already" in run("--files-only", exit_code=3)


def test_a_managed_schema_is_not_imported_again(checkout, database, tmp_path):
    checkout.collection()
    database.apply(checkout)
    given = ["import", "--url", database.url, "--out", str(tmp_path / "out"), "--schema", "person"]
    result = CliRunner().invoke(db, given)
    assert result.exit_code == 3, result.output
    assert "is already managed by db-manager" in result.output
    assert not (tmp_path / "out").exists()


def test_reading_twice_writes_the_same(foreign):
    with api.connect(foreign.url) as connection:
        first, second = files_of(read(connection)), files_of(read(connection))
    assert first == second


def test_a_wrong_imported_file_is_named(run, tmp_path):
    run()
    file = tmp_path / "out/services/shop/database/collections/customer.yaml"
    file.write_text(file.read_text().replace("customer_pkey: PRIMARY KEY", "customer_pkey: PRIMARI KEY"))
    with pytest.raises(ConfigurationError, match="is not a constraint"):
        load(tmp_path / "out")


def test_the_database_is_marked_with_its_environment(run, foreign, tmp_path):
    run("--schema", "public", "--environment", "production")
    with pytest.raises(RefusedError, match="belongs to production"):
        api.apply(foreign.url, load(tmp_path / "out"), environment="local")


# Others


@pytest.fixture
def taken_over(database, tmp_path):
    """A database of somebody's, imported; and what was said."""

    def take(sql: str) -> str:
        database.run(sql)
        before = dump(database.url)
        result = CliRunner().invoke(db, ["import", "--url", database.url, "--out", str(tmp_path / "out")])
        assert result.exit_code == 0, result.output
        assert dump(database.url) == before
        return result.output

    return take


LISTED = {
    "rental": ("domain rental.year", "table rental.child: it inherits", "aggregate rental.group_concat(text)"),
    "quoted": (
        'constraint "FK_product_category"',
        'column "order"',
        "options of the sequence behind northwind.product",
    ),
    "tenants": ("type app.address", "grant of usage on schema app to pg_monitor", "it is a constraint trigger"),
    "measures": ("collation measures.plain", "storage or statistics of column raw", "rule no_delete"),
    "framework": ("table public.no_columns", "table public.cache: it is unlogged", "table public.cache"),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", DATABASES)
def test_whoever_made_it_a_plan_against_it_is_empty_and_what_is_left_is_listed(taken_over, database, tmp_path, name):
    said = taken_over(DATABASES[name])
    assert "The plan is empty." in said
    for left in LISTED[name]:
        assert left in said, said
    configuration = load(tmp_path / "out")
    planned = plan(database.url, configuration)
    assert planned.empty
    assert planned.refusals == ()
    assert api.drift(database.url, configuration) == ()


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("edit", "kind", "name"),
    [
        ("alter table shop.customer alter column born type timestamp", "column", "customer.born"),
        ("alter table shop.customer alter column balance drop default", "column", "customer.balance"),
        ("alter table shop.customer drop constraint grown", "check", "customer.grown"),
        ("drop index shop.orders_notes", "index", "orders_notes"),
        ("create or replace view shop.rich as select id, name, 0.0 as total from shop.customer", "found", "view rich"),
        ("drop trigger touch_customer on shop.customer", "found", "trigger touch_customer on customer"),
        ("drop policy own on shop.orders", "found", "policy own on orders"),
        ("alter table shop.orders disable row level security", "found", "row-level security of orders"),
    ],
)
def test_an_edit_by_hand_of_what_was_imported_is_drift(run, foreign, tmp_path, edit, kind, name):
    run("--schema", "shop")
    configuration = load(tmp_path / "out")
    assert api.drift(foreign.url, configuration) == ()
    foreign.run(edit)
    assert (kind, name) in {(one.kind, one.name) for one in api.drift(foreign.url, configuration)}


def test_a_sequence_is_written_down(run, foreign, tmp_path):
    run()
    (sequence,) = load(tmp_path / "out")["shop"].sequences
    assert sequence.name == "invoice_number"
    assert "start with 1000" in sequence.definition


def test_a_primary_key_of_any_name_and_an_included_column_are_kept(taken_over, database, tmp_path):
    taken_over(
        "create schema kept; create table kept.a (n int, m int, constraint whatever primary key (n) include (m));"
        'create table kept.b (n int constraint "B_fk" references kept.a, m int unique)'
    )
    (whatever,) = load(tmp_path / "out")["kept"].collections[0].table.constraints
    assert (whatever.name, whatever.columns) == ("whatever", ("n",))
    assert "INCLUDE (m)" in whatever.definition


def test_a_backfill_without_a_primary_key_is_one_transaction(taken_over, database, tmp_path):
    """There is no order to go on in."""
    taken_over("create schema bare; create table bare.a (n int); insert into bare.a select generate_series(1, 9)")
    folder = tmp_path / "out/services/bare/database"
    file = folder / "collections/a.yaml"
    file.write_text(file.read_text().replace("1.0.0.0", "1.1.0.0"))
    (folder / "migrations/a/1.1.0").mkdir(parents=True)
    (folder / "migrations/a/1.1.0/01_more.backfill.sql").write_text("update a set n = n + 1")
    api.apply(database.url, load(tmp_path / "out"))
    assert database.value("select sum(n) from bare.a") == 54
