"""What loading rows leaves behind besides them."""

IDS = [f"019a0000-0001-7000-8000-{number:012}" for number in range(1, 301)]


def test_the_planner_knows_rows_as_soon_as_they_are_loaded(checkout, database):
    checkout.collection()
    checkout.rows([{"id": one, "name": f"Person {one[-3:]}"} for one in IDS])
    database.apply(checkout, test_data=True)
    known = "select reltuples from pg_class where oid = 'person.person'::regclass"
    assert database.value(known) == 300, "autovacuum would find out a minute later"
    assert database.value("select count(*) from pg_stats where schemaname = 'person' and tablename = 'person'") > 0
