"""No import and no later step takes a right from anybody: what each role may do before, after, and after changes."""

from pathlib import Path
from typing import Any

import pytest

from gatehouse_db_manager import RefusedError, apply, load, plan

from ..world import Database
from .takeover import take_over

ROLES = ("gatehouse_clerk", "gatehouse_guest")
SHOP = """
create schema shop;
create table shop.item (id serial primary key, name text, price int);
create table public.note (id int primary key, text text);
create view shop.cheap as select id, name from shop.item where price < 10;
create function shop.total() returns bigint language sql stable as 'select sum(price) from shop.item';
create function public.hello() returns text language sql immutable as $$select 'hello'$$;
create procedure shop.tidy() language sql as 'delete from shop.item where price is null';
grant usage on schema shop to gatehouse_clerk;
grant select, update on shop.item to gatehouse_clerk;
grant select (name) on shop.item to gatehouse_guest;
grant select on shop.cheap to gatehouse_clerk with grant option;
grant select on public.note to public;
grant usage on sequence shop.item_id_seq to gatehouse_clerk;
revoke execute on procedure shop.tidy() from public;
grant execute on procedure shop.tidy() to gatehouse_clerk;
"""
# Role x object x privilege, as PostgreSQL decides it: by own grants, by those of PUBLIC and by membership.
MATRIX = """
select r.rolname || ' ' || o.what || ' ' || o.privilege from pg_roles r, lateral (
    select 'database' as what, p as privilege, has_database_privilege(r.oid, current_database(), p) as may
    from unnest(array['CONNECT', 'TEMPORARY', 'CREATE']) p
    union all select 'schema ' || nspname, p, has_schema_privilege(r.oid, n.oid, p)
    from pg_namespace n, unnest(array['USAGE', 'CREATE']) p where nspname in ('shop', 'public')
    union all select 'table ' || c.oid::regclass, p, has_table_privilege(r.oid, c.oid, p)
    from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'SELECT WITH GRANT OPTION']) p
    where c.relnamespace in ('shop'::regnamespace, 'public'::regnamespace) and c.relkind in ('r', 'v')
    union all select 'column ' || c.oid::regclass || '.' || attname, p, has_column_privilege(r.oid, c.oid, attnum, p)
    from pg_class c join pg_attribute on attrelid = c.oid and attnum > 0, unnest(array['SELECT', 'UPDATE']) p
    where c.relnamespace = 'shop'::regnamespace and c.relkind in ('r', 'v')
    union all select 'sequence ' || c.oid::regclass, p, has_sequence_privilege(r.oid, c.oid, p)
    from pg_class c, unnest(array['USAGE', 'SELECT', 'UPDATE']) p
    where c.relnamespace = 'shop'::regnamespace and c.relkind = 'S'
    union all select 'routine ' || p.oid::regprocedure, 'EXECUTE', has_function_privilege(r.oid, p.oid, 'EXECUTE')
    from pg_proc p where p.pronamespace in ('shop'::regnamespace, 'public'::regnamespace)
) o where r.rolname = any(%s) and o.may order by 1
"""


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Database:
    for role in ROLES:
        database.run(
            f"do $$ begin create role {role} login; "
            "exception when duplicate_object or unique_violation then null; end $$"
        )
    database.run(SHOP)
    return database


def may(database: Database) -> set[str]:
    return {what for (what,) in database.run(MATRIX, list(ROLES))}


def edit(root: Path, name: str, *changes: tuple[str, str]) -> None:
    (file,) = root.rglob(name)
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)


CHANGES: dict[str, Any] = {
    "a description of the schema": (
        "services/shop/database/schema.yaml",
        ("schema: shop", "schema: shop\ndescription: d"),
    ),
    "an extension": (
        "services/public/database/schema.yaml",
        ("schema: public", "schema: public\nextensions: [vector]"),
    ),
    "a column": ("item.yaml", ("1.0.0.0", "1.0.1.0"), ("  price:", "  colour:\n    type: text\n  price:")),
    "a column's type": ("item.yaml", ("1.0.0.0", "2.0.0.0"), ("price:\n    type: integer", "price:\n    type: bigint")),
    "a view": ("*_cheap.sql", ("price < 10", "price < 20")),
    "a view's columns": ("*_cheap.sql", ("SELECT id,", "SELECT price, id,")),
    "a function's body": ("*_total.sql", ("sum(price)", "sum(price) + 0")),
    "a procedure": ("*_tidy.sql", ("price is null", "price < 0")),
}


def test_import_takes_no_right_from_anybody(shop, tmp_path):
    before = may(shop)
    assert f"{ROLES[0]} database CONNECT" in before
    assert f"{ROLES[0]} routine hello() EXECUTE" in before
    take_over(shop, tmp_path)
    assert may(shop) == before


@pytest.mark.parametrize("what", CHANGES)
def test_no_change_takes_a_right_from_anybody(shop, tmp_path, what):
    take_over(shop, tmp_path)
    before = may(shop)
    path, *changes = CHANGES[what]
    name = Path(path).name
    root = (tmp_path / path).parent if "/" in path else tmp_path
    edit(root, name, *changes)
    configuration = load(tmp_path)
    planned = plan(shop.url, configuration)
    assert planned.steps
    apply(shop.url, configuration, approve=planned.fingerprint)
    assert may(shop) >= before, before - may(shop)


def test_what_takes_rights_asks_and_names_the_role(shop, tmp_path):
    take_over(shop, tmp_path)
    edit(tmp_path / "services/shop/database", "schema.yaml", ("shop_reader", "shop_readers"))
    configuration = load(tmp_path)
    with pytest.raises(RefusedError, match="shop_reader"):
        apply(shop.url, configuration)
    before = may(shop)
    apply(shop.url, configuration, approve=plan(shop.url, configuration).fingerprint)
    assert may(shop) == before


def test_a_database_with_objects_of_others_stays_open(database, checkout):
    """Without an import as well: only an empty database is closed to other roles."""
    database.run("create table public.theirs (id int)")
    checkout.collection()
    database.apply(checkout)
    assert database.value("select has_database_privilege('public', current_database(), 'connect')")


def test_an_empty_database_is_closed(database, checkout):
    checkout.collection()
    database.apply(checkout)
    assert not database.value("select has_database_privilege('public', current_database(), 'connect')")
