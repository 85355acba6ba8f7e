"""After an import: what was taken over is changed through its files, made again elsewhere, and nothing is missing that
isn't named."""

import pytest
from click.testing import CliRunner

from gatehouse_db_manager import api, apply, load, plan
from gatehouse_db_manager.cli.commands import db

from ..shapes import dump

SHOP = """
create schema shop;
create type status as enum ('draft', 'live');
create table shop.item (id int primary key, name text, price int, status status default 'draft');
create view shop.cheap as select id, price from shop.item where price < 10;
create view shop.names as select name from shop.item;
create view shop.cheapest as select min(price) as price from shop.cheap;
create function shop.total() returns bigint language sql stable as 'select sum(price) from shop.item';
create trigger same before update of price on shop.item for each row
    execute function suppress_redundant_updates_trigger();
grant select on shop.cheap to pg_monitor;
insert into shop.item values (1, 'Tea', 3), (2, 'Cup', 12);
"""


class Taken:
    """An imported database, and its files."""

    def __init__(self, database, root):
        self.database, self.root = database, root
        self.said = ""

    def file(self, name, schema="shop"):
        (found,) = (self.root / f"services/{schema}/database").rglob(name)
        return found

    def edit(self, name, *changes):
        file = self.file(name)
        text = file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)

    def apply(self):
        configuration = load(self.root)
        apply(self.database.url, configuration, approve=plan(self.database.url, configuration).fingerprint)
        assert plan(self.database.url, configuration).empty
        assert api.drift(self.database.url, configuration) == ()


@pytest.fixture
def take(database, tmp_path):
    def take(sql, exit_code=0, out="out"):
        taken = Taken(database, tmp_path / out)
        if sql:
            database.run(sql)
        result = CliRunner().invoke(db, ["import", "--url", database.url, "--out", str(taken.root)])
        assert result.exit_code == exit_code, result.output
        taken.said = " ".join(result.output.split())
        return taken

    return take


def test_types_of_public_are_recognised(take):
    taken = take(SHOP + "create table public.post (s status not null, all_of status[])")
    assert "The plan is empty" in taken.said
    taken.edit("item.yaml", ("1.0.0.0", "1.1.0.0"), ("'draft'::public.status", "'live'::public.status"))
    taken.apply()
    taken.database.run("insert into shop.item (id) values (3)")
    assert taken.database.value("select status from shop.item where id = 3") == "live"


def test_a_column_changes_its_type_beneath_imported_views_and_triggers(take):
    taken = take(SHOP)
    taken.edit("item.yaml", ("1.0.0.0", "2.0.0.0"), ("  price:\n    type: integer", "  price:\n    type: bigint"))
    taken.apply()
    assert taken.database.run("select * from shop.cheapest") == [(3,)]
    assert taken.database.value("select has_table_privilege('pg_monitor', 'shop.cheap', 'select')")
    assert taken.database.value("select count(*) from pg_trigger where tgname = 'same'") == 1


def test_a_column_goes_with_what_imported_files_said_of_it(take):
    taken = take(SHOP)
    taken.edit("item.yaml", ("1.0.0.0", "2.0.0.0"), ("  name:\n    type: text\n", ""))
    taken.file("*_names.sql").unlink()
    taken.apply()
    assert taken.database.value("select to_regclass('shop.names')") is None
    assert taken.database.value("select count(*) from shop.cheap") == 1


def test_an_imported_view_gets_other_columns(take):
    taken = take(SHOP)
    taken.edit("*_names.sql", ("SELECT name", "SELECT id, name"))
    taken.apply()
    assert taken.database.run("select id, name from shop.names where id = 1") == [(1, "Tea")]


def test_files_make_the_same_elsewhere_whatever_order_it_was_made_in(take, new_database):
    """Functions before the tables that are made of them, and after the views that they read."""
    taken = take(
        "create schema o; create table o.t (id int primary key, n int);"
        "create function o.one() returns int language sql immutable as 'select 1';"
        "create view o.v with (security_barrier) as select id, o.one() as e from o.t; comment on column o.v.e is 'One';"
        "create function o.of_view() returns setof o.v language sql as 'select * from o.v';"
        "comment on function o.one() is 'Always';"
        "create function o.positive(n int) returns boolean language sql immutable as 'select n > 0';"
        "alter table o.t add constraint c check (o.positive(n)), add column d int default o.one(),"
        "add column g int generated always as (o.one()) stored; create index i on o.t (o.positive(n));"
        "create trigger same before update on o.t for each row execute function suppress_redundant_updates_trigger();"
        "comment on trigger same on o.t is 'Nothing new'; create policy p on o.t using (true);"
        "comment on policy p on o.t is 'All';"
    )
    other = new_database()
    apply(other.url, load(taken.root))
    differences = set(dump(taken.database.url)) ^ set(dump(other.url))
    # Rights and what a schema without a description says of itself.
    assert {one.split()[0] for one in differences} <= {"GRANT", "REVOKE"} or all(
        one.startswith(("GRANT", "REVOKE", "COMMENT ON SCHEMA", "COMMENT ON TABLE")) for one in differences
    ), differences


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_view_goes_unless_something_by_hand_is_above_it(take, by_hand):
    above = "create materialized view shop.copy as select * from shop.cheap;" if by_hand else ""
    taken = take(f"{SHOP} drop view shop.cheapest; {above}")
    taken.file("*_cheap.sql").unlink()
    planned = plan(taken.database.url, load(taken.root))
    assert [one.message.partition(":")[0] for one in planned.refusals] == [
        "drops the view cheap, on which the materialized view shop.copy depends"
    ] * by_hand
    if not by_hand:
        taken.apply()
        assert taken.database.value("select to_regclass('shop.cheap')") is None


def test_tables_have_constraints_of_one_name(take):
    link = "id int primary key, n int constraint few check (n < 9), o int constraint link references shop.shelf"
    taken = take(
        f"create schema shop; create table shop.shelf (id int primary key); create table shop.a ({link}); "
        f"create table shop.b ({link}); insert into shop.shelf values (1); insert into shop.a values (1, 1, 1)"
    )
    assert "few" not in taken.said
    version = ("1.0.0.0", "2.0.0.0")
    taken.edit("a.yaml", version, ("CHECK ((n < 9))", "CHECK ((n < 7))"))
    taken.edit("b.yaml", version, ("  link: FOREIGN KEY (o) REFERENCES shop.shelf(id)\n", ""))
    taken.apply()
    rules = "select conrelid::regclass::text, conname from pg_constraint where conname in ('few', 'link') order by 1, 2"
    assert taken.database.run(rules) == [("shop.a", "few"), ("shop.a", "link"), ("shop.b", "few")]
    taken.edit("a.yaml", ("2.0.0.0", "3.0.0.0"), ("collection: a\n", "collection: c\nrenamed_from: a\n"))
    taken.file("a.yaml").rename(taken.file("a.yaml").with_name("c.yaml"))
    taken.file("b.yaml").unlink()
    taken.apply()
    assert taken.database.run(rules) == [("shop.c", "few"), ("shop.c", "link")]


def test_a_virtual_column_becomes_a_plain_one_with_its_values(take, database):
    if database.value("show server_version_num") < "180000":
        pytest.skip("virtual columns come with PostgreSQL 18")
    taken = take(
        "create schema shop; create table shop.t (id int primary key, n int,"
        "low int generated always as (n + 1) virtual, constraint more check (low > 0));"
        "insert into shop.t values (1, 1), (2, 5)"
    )
    taken.edit(
        "t.yaml", ("1.0.0.0", "2.0.0.0"), ("    generated: (n + 1)\n    virtual: true\n", "    required: true\n")
    )
    taken.apply()
    assert taken.database.run("select n, low from shop.t order by id") == [(1, 2), (5, 6)]


ODD = """
create schema w; create schema nobody;
create table w.a (id int constraint never_null not null, n text, "Odd" int, constraint odd_rule check ("Odd" > 0));
create table w.b (id int generated by default as identity (sequence name w.counter start 5));
create table w."Bad" (id int primary key); create table w.c (b int constraint to_bad references w."Bad");
create index odd_index on w.a ("Odd", id); create materialized view w.m as select id from w.a;
create index in_m on w.m (id); comment on materialized view w.m is 'm'; create sequence w.s owned by w.c.b;
comment on sequence w.s is 's'; create view w.v as select id from w.a; alter view w.v alter column id set default 1;
create function w.f() returns int language sql as 'select 1'; revoke execute on function w.f() from public;
create type w.reach as range (subtype = float8); comment on type w.reach is 'r';
create text search dictionary w.words (template = simple); create operator family w.family using hash;
alter table w.c disable trigger all; create foreign data wrapper far; create server away foreign data wrapper far;
alter table w.a add unique (id) with (fillfactor = 60), set (toast.autovacuum_enabled = false);
"""
ODDITIES = (
    "not-null rule never_null of w.a.id",
    'constraint odd_rule of w.a: it is about "Odd"',
    'index odd_index of w.a: it is about "Odd"',
    'constraint to_bad of w.c: it is about w."Bad"',
    "options of the sequence behind w.b.id",
    "index in_m of the materialized view w.m",
    "comment on materialized view w.m",
    "comment on sequence w.s",
    "comment on type w.reach",
    "default of column id of view w.v",
    "right of everybody to execute w.f()",
    "text search dictionary w.words",
    "operator family w.family",
    "triggers or rules of w.c that are disabled",
    "foreign data wrapper far",
    "foreign server away",
    "options of the index behind constraint a_id_key of w.a: fillfactor=60",
    "options of the storage beside table w.a: autovacuum_enabled=false",
    "schema nobody: nothing is in it",
)


def test_nothing_is_left_out_without_being_named(take, database):
    taken = take(ODD if database.value("show server_version_num") >= "180000" else ODD.replace("never_null ", ""))
    for oddity in ODDITIES:
        assert oddity in taken.said, taken.said
    assert "The plan is empty" in taken.said
    assert not list(taken.root.rglob("*reach*.sql")), "the functions of a range type come with it"


def test_an_empty_database_has_nothing_to_import(take):
    assert not list(take("").root.rglob("*.yaml"))


def test_a_second_import_is_refused_and_changes_nothing(take, database):
    take(SHOP)
    before = database.fingerprint()
    assert "is already managed by db-manager" in take("", exit_code=3, out="again").said
    assert database.fingerprint() == before
