"""Ordinary files beside imported ones: they may refer to them, imported tables and columns can be renamed, and a table
that was made by hand can be adopted."""

import pytest
from click.testing import CliRunner

from gatehouse_db_manager import apply, load, plan
from gatehouse_db_manager.cli.commands import db

from .takeover import take_over

SHOP = """
create schema s;
create table s.item (id bigint primary key, name text, price int constraint paid check (price > 0));
create table s.line (id bigint generated always as identity primary key, item bigint references s.item (id));
create index item_price on s.item (price);
insert into s.item values (1, 'Tea', 3); insert into s.line (item) values (1);
"""
FOLDER = "services/s/database/collections"


@pytest.fixture
def shop(database, tmp_path):
    database.run(SHOP)
    take_over(database, tmp_path)
    return tmp_path


def brought(database, root):
    configuration = load(root)
    planned = plan(database.url, configuration)
    assert planned.refusals == ()
    apply(database.url, configuration, approve=planned.fingerprint)
    assert plan(database.url, configuration).empty
    return planned


def edit(file, *changes):
    text = file.read_text()
    for old, new in changes:
        assert old in text, text
        text = text.replace(old, new)
    file.write_text(text)


@pytest.mark.parametrize(
    "refers",
    [
        "  item_id: {type: reference, to: item}\n",
        "  item_id: {type: bigint}\nforeign_keys: {of: {columns: [item_id], to: item, key: [id]}}\n",
    ],
    ids=["reference", "foreign_keys"],
)
def test_an_ordinary_collection_refers_to_an_imported_one(shop, database, refers):
    text = "collection: part\ndescription: d\nversion: 1.0.0.0\ncolumns:\n  id: {type: bigint, primary: true}\n"
    (shop / FOLDER / "part.yaml").write_text(text + refers)
    brought(database, shop)
    database.run("insert into s.part values (1, 1)")
    assert database.tables("s")["part"].constraints["part_item_id_reference" if "reference, " in refers else "part_of"]


def test_an_imported_column_is_renamed_and_keeps_its_values_and_rules(shop, database):
    edit(
        shop / FOLDER / "item.yaml",
        ("version: 1.0.0.0", "version: 2.0.0.0"),
        ("  price:\n    type: integer\n", "  cost:\n    type: integer\n    renamed_from: price\n"),
        ("CHECK ((price > 0))", "CHECK ((cost > 0))"),
        ("(price)", "(cost)"),
    )
    planned = brought(database, shop)
    assert [step.what for step in planned.steps] == ["rename column price to cost"]
    assert database.run("select id, cost from s.item") == [(1, 3)]


def test_an_imported_table_is_renamed_with_its_rows_and_what_refers_to_it(shop, database):
    (shop / FOLDER / "item.yaml").rename(shop / FOLDER / "article.yaml")
    edit(
        shop / FOLDER / "article.yaml",
        ("collection: item\n", "collection: article\nrenamed_from: item\n"),
        ("version: 1.0.0.0", "version: 2.0.0.0"),
        ("item_pkey", "article_pkey"),
        ("item_price", "article_price"),
    )
    edit(shop / FOLDER / "line.yaml", ("version: 1.0.0.0", "version: 2.0.0.0"), ("s.item(id)", "s.article(id)"))
    brought(database, shop)
    assert database.run("select name from s.article") == [("Tea",)]
    assert database.tables("s")["line"].constraints["line_item_fkey"].target == "s.article"


def adopt(database, root, *tables, exit_code=0):
    words = [word for table in tables for word in ("--table", table)]
    result = CliRunner().invoke(db, ["import", "--url", database.url, "--out", str(root), *words])
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def test_a_table_made_by_hand_is_adopted(shop, database):
    database.run("create table s.extra (id serial primary key, item bigint references s.item, note text default 'x')")
    database.run("insert into s.extra (item) values (1)")
    before = database.tables("s")
    assert "The plan is empty." in adopt(database, shop, "s.extra")
    assert database.tables("s") == before
    assert plan(database.url, load(shop)).empty
    assert database.value("select has_table_privilege('s_service', 's.extra', 'insert')")
    edit(
        shop / FOLDER / "extra.yaml",
        ("version: 1.0.0.0", "version: 1.0.1.0"),
        ("  note:", "  more:\n    type: text\n  note:"),
    )
    brought(database, shop)
    assert "more" in database.tables("s")["extra"].columns


def test_what_can_not_be_adopted_is_refused_and_nothing_is_written(shop, database):
    database.run('create schema t; create table t.a (id int); create table s."Odd" (id int)')
    files = sorted(shop.rglob("*"))
    for table, why in {
        "s.itm": 'Did you mean "s.item"?',
        "s.item": "is already managed by db-manager.",
        "t.a": "is in a schema that is not managed.",
        "s.Odd": "can't be a collection.",
    }.items():
        assert why in adopt(database, shop, table, exit_code=3)
    assert sorted(shop.rglob("*")) == files
