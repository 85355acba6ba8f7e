"""A database that changes much at once: steps of every kind, among them each that somebody has to approve."""

from .world import Checkout, Database

MOVES = "services/person/database/migrations/person"
TEXT = {"type": "text"}
STATUS = {"type": "enum", "of": "status", "required": True, "default": "pending"}
OWNER = {"owner_id": {"type": "reference", "to": "person"}}
ADA = {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada", "phone": "0", "visits": 0}
# Steps that this asks an approval for.
HAZARDS = {
    "table.rename",
    "column.rename",
    "enumerator.narrow",
    "unique.change",
    "column.type",
    "column.generated",
    "migration.contract",
    "index.drop",
    "column.drop",
    "table.drop",
}


def begin(checkout: Checkout, database: Database) -> None:
    """Version 1.0.0.1, with rows."""
    checkout.enumerators(1, status=["pending", "active", "gone"])
    columns = {"status": STATUS, "email": TEXT, "phone": TEXT, "visits": {"type": "integer"}, "old": TEXT}
    checkout.collection(
        version="1.0.0.1",
        columns={**columns, "low": {**TEXT, "generated": "lower(name)"}},
        unique={"once": {"columns": ["email"]}},
        indexes={"by_phone": {"columns": ["phone"]}, "by_old": {"columns": ["name", "email"]}},
    )
    checkout.collection("animal", columns=OWNER)
    checkout.collection("toy")
    database.apply(checkout)
    rows = "select 'P' || n, n || '@example.org', n, n from generate_series(1, 50) n"
    database.run(
        f"insert into person.person (name, email, phone, visits) {rows};"
        "insert into person.animal (name, owner_id) select name, id from person.person;"
        "insert into person.toy (name) values ('Ball')"
    )


def change(checkout: Checkout) -> None:
    """Version 2.0.0.2."""
    checkout.enumerators(2, status=["pending", "active"])
    checkout.collection(
        version="2.0.0.2",
        columns={
            "status": STATUS,
            "mail": {**TEXT, "renamed_from": "email"},
            "phone": {**TEXT, "required": True},
            "visits": {"type": "bigint"},
            "low": {**TEXT, "generated": "upper(name)"},
            "key": {"type": "identity", "required": True},
        },
        unique={"once": {"columns": ["mail", "phone"], "nulls": "not_distinct"}},
        indexes={"by_phone": {"columns": ["phone", "id"]}},
        checks={"short": "char_length(name) < 50"},
    )
    checkout.write(f"{MOVES}/2.0.0/01_count.backfill.sql", "update person set visits = visits + 1")
    checkout.write(f"{MOVES}/2.0.0/02_out.contract.sql", "update person set visits = visits * 10;")
    for name in ("animal", "toy"):
        (checkout.root / f"services/person/database/collections/{name}.yaml").unlink()
    checkout.collection("pet", "2.0.0.0", columns=OWNER, renamed_from="animal")
    view = "create or replace view names as select name, visits from person"
    checkout.write("services/person/database/repeatable/names.sql", view)
    checkout.rows([ADA], kind="reference")


def rows_were_changed_once(database: Database) -> None:
    """No batch and no file was run twice, and nothing was lost."""
    counts = "count(*), count(*) filter (where visits = (phone::int + 1) * 10), count(distinct key)"
    assert database.run(f"select {counts} from person.person where name <> 'Ada'") == [(50, 50, 50)]
    assert database.value("select count(*) from person.pet join person.person on person.id = owner_id") == 50
