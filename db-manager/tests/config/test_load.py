"""Files of a configuration: what is wrong is named with its file, line, key and fix; all of it at once."""

from pathlib import Path

import pytest

from gatehouse_db_manager import ConfigurationError

PEOPLE = "services/person/database"
COLLECTION = f"{PEOPLE}/collections/person.yaml"


def problems(checkout) -> str:
    with pytest.raises(ConfigurationError) as caught:
        checkout.load()
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_whole_configuration_loads(checkout):
    checkout.collection(columns={"email": {"type": "email", "unique": True}})
    (schema,) = checkout.load().schemas
    (person,) = schema.collections
    assert [column.name for column in person.table.columns] == ["id", "name", "email"]
    assert person.version == (1, 0, 0, 0)
    assert (schema.service_role, schema.reader_role) == ("person_service", "person_reader")


SHARED = "services/chassis/gatehouse_chassis/schema/note.yaml"
KEY = {"id": {"type": "identity", "primary": True}}
NOTE = {"collection": "note", "description": "A note", "version": "1.2.0.0", "columns": KEY}


def test_schemas_include_shared_collections_without_a_copy(checkout):
    checkout.write(SHARED, NOTE)
    checkout.schema("person", includes=["note"])
    checkout.schema("topics", includes=["note"])
    checkout.collection()
    schemas = {schema.name: schema for schema in checkout.load().schemas}
    assert [one.name for one in schemas["person"].collections] == ["person", "note"]
    (note,) = schemas["topics"].collections
    assert (note.file, note.version_text) == (SHARED, "1.2.0.0")


@pytest.mark.parametrize(
    ("includes", "expected"),
    [
        (
            ["notes"],
            "includes.0 = notes: is not a collection in services/chassis/gatehouse_chassis/schema. Did",
        ),
        (["note", "note"], "includes.1 = note: is included twice."),
        (["note", "person"], "includes.1 = person: is a collection of this schema already."),
    ],
)
def test_what_cannot_be_included_is_named(checkout, includes, expected):
    checkout.write(SHARED, NOTE)
    checkout.write(SHARED.replace("note", "person"), NOTE | {"collection": "person"})
    checkout.schema("person", includes=includes)
    checkout.collection()
    assert expected in problems(checkout)


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_known_one(checkout):
    text = "collection: person\ndescription: A person\nversion: 1.0.0.0\ncolumns:\n"
    checkout.write(COLLECTION, text + "  id: {type: identity, primary: true}\n  name: {type: word, requird: true}\n")
    assert f'{COLLECTION}:6: columns.name.requird = true: is not a known key. Did you mean "required"?' in problems(
        checkout
    )


def test_text_with_a_comma_in_a_flow_mapping_is_explained(checkout):
    text = "collection: person\ndescription: A person\nversion: 1.0.0.0\ncolumns:\n"
    checkout.write(COLLECTION, text + "  id: {type: identity, primary: true, description: Short, stable}\n")
    assert "columns.id.stable: is not a known key. Quote text that contains a comma inside {...}." in problems(checkout)


def test_a_key_given_twice_is_refused(checkout):
    checkout.write(COLLECTION, "collection: person\ncollection: people\n")
    assert f"{COLLECTION}:2: collection: is given twice; first on line 1." in problems(checkout)


def test_what_is_not_yaml_is_named_with_its_line(checkout):
    checkout.write(COLLECTION, "collection: person\ncolumns: {id: [\n")
    assert f"{COLLECTION}:" in problems(checkout)
    assert "is not YAML" in problems(checkout)


def test_all_problems_of_all_files_come_at_once(checkout):
    checkout.collection(columns={"age": {"type": "number_of_years"}})
    checkout.collection("pet", version="1.0", columns={"owner_id": {"type": "reference", "to": "persn"}})
    found = problems(checkout)
    assert "number_of_years: is not a known type." in found
    assert "is not four numbers such as 1.0.0.1" in found


def test_a_file_that_cannot_be_read_is_one_problem_whatever_refers_to_it(checkout):
    checkout.collection("person", version="1.0")
    checkout.collection(
        "pet",
        columns={"owner_id": {"type": "reference", "to": "person"}, "age": {"type": "number_of_years"}},
        indexes={"by_owner": {"columns": ["owner_id", "age"]}},
        foreign_keys={"owner": {"columns": ["owner_id"], "to": "person"}},
    )
    checkout.rows([{"name": "Ada"}])
    file = "services/person/database/migrations/person/1.1.0/01_move.backfill.sql"
    checkout.write(file, "update person set name = name")
    found = problems(checkout).splitlines()
    assert ["1.0" in found[0], "number_of_years" in found[1], len(found)] == [True, True, 2], found


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"age": {"type": "intger"}}, 'columns.age.type = intger: is not a known type. Did you mean "integer"?'),
        ({"age": {"type": "integer", "default": "old"}}, "columns.age.default = old: is not a number"),
        ({"age": {"type": "integer", "default": 2**31}}, "is too large for integer"),
        ({"order": {"type": "text"}}, "is a reserved word of SQL."),
        ({"Age": {"type": "text"}}, "is not a legal name."),
        ({"a" * 64: {"type": "text"}}, "is 64 bytes long; PostgreSQL keeps 63."),
        ({"a" * 49: {"type": "text", "unique": True}}, None),
        ({"a" * 55: {"type": "text", "unique": True}}, "is 69 bytes long"),
        ({"kind": {"type": "enum", "of": "kind"}}, "pins no enumerators (the last number is 0)"),
        ({"kind": {"type": "text", "of": "kind"}}, "columns.kind.of = kind: is for columns of type enum"),
        ({"boss_id": {"type": "reference", "to": "persn"}}, 'is not a collection. Did you mean "person"?'),
        ({"boss_id": {"type": "reference"}}, "columns.boss_id.to: is missing."),
        ({"made": {"type": "breadcrumb", "unique": True}}, "it has several columns"),
        ({"made": {"type": "breadcrumb"}, "made_at": {"type": "timestamp"}}, "makes a second column made_at."),
        ({"price": {"type": "money", "default": {"cents": 1}}}, "doesn't name the parts of money."),
        ({"since": {"type": "timestamp", "default": "2026-01-01T00:00:00"}}, "has no time zone"),
        ({"low": {"type": "text", "generated": "lower(name)", "default": "x"}}, "can't be combined with `generated`"),
        ({"note": {"type": "document", "schema": {"type": "objekt"}}}, "is not a JSON Schema (2020-12)"),
    ],
)
def test_a_column_that_does_not_fit_is_refused(checkout, columns, expected):
    checkout.collection(columns=columns)
    if expected is None:
        assert checkout.load()
    else:
        assert expected in problems(checkout)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (
            {"indexes": {"by_nam": {"columns": ["nam"]}}},
            'indexes.by_nam.columns = nam: is not a column. Did you mean "name"?',
        ),
        ({"indexes": {"by_time": {"columns": ["made"]}}}, "Use one of its parts: made_at, made_by, made_request."),
        ({"indexes": {"empty": {}}}, "has neither columns nor expressions."),
        ({"indexes": {"by_name": {"columns": ["name sideways"]}}}, "is not a column with an order."),
        ({"indexes": {"by_name": {"columns": ["name"], "method": "gin", "unique": True}}}, "can't be unique."),
        ({"indexes": {"by_name": {"columns": ["name"], "method": "tree"}}}, "indexes.by_name.method = tree"),
        ({"unique": {"one": {"columns": ["nam"]}}}, "unique.one.columns = nam: is not a column."),
        ({"checks": {"sound": "name <> ''; drop table person"}}, "is not a single SQL expression."),
        ({"primary_key": ["id", "name"]}, "is combined with `primary` on a column."),
        ({"deprecated": {"nme": "use name"}}, 'deprecated.nme: is not a column. Did you mean "name"?'),
        ({"checks": {"name_length": "true"}}, "makes the name person_name_length a second time."),
    ],
)
def test_what_stands_beside_the_columns_must_fit_them(checkout, more, expected):
    checkout.collection(columns={"made": {"type": "breadcrumb"}}, **more)
    assert expected in problems(checkout)


def test_a_collection_needs_a_primary_key(checkout):
    checkout.write(
        COLLECTION,
        {"collection": "person", "description": "x", "version": "1.0.0.0", "columns": {"name": {"type": "word"}}},
    )
    assert "has no primary key." in problems(checkout)


def test_a_file_is_named_after_its_collection(checkout):
    checkout.collection("people").rename(checkout.root / COLLECTION)
    assert 'collection = people: is not the name of its file. Write "person"' in problems(checkout)


def test_a_pinned_snapshot_must_be_there(checkout):
    checkout.enumerators(1, status=["on"])
    checkout.collection(version="1.0.0.2", columns={"status": {"type": "enum", "of": "status"}})
    assert "pins enumerators/2.yaml, which isn't there." in problems(checkout)


def test_an_unknown_enumerator_and_an_unknown_default_value_are_refused(checkout):
    checkout.enumerators(1, status=["pending", "active"])
    checkout.collection(
        version="1.0.0.1",
        columns={
            "status": {"type": "enum", "of": "status", "default": "pendin"},
            "state": {"type": "enum", "of": "statuss"},
        },
    )
    found = problems(checkout)
    assert 'is not a value of status. Did you mean "pending"?' in found
    assert 'Did you mean "status"?' in found


def test_a_reference_to_another_loaded_schema_must_exist(checkout):
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    checkout.collection(columns={"resource_id": {"type": "reference", "to": "topics.resorce"}})
    assert 'is not a collection. Did you mean "topics.resource"?' in problems(checkout)


def test_a_schema_loads_without_the_others_that_it_refers_to(checkout):
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    checkout.collection(columns={"resource_id": {"type": "reference", "to": "topics.resource"}})
    (schema,) = checkout.load("person").schemas
    column = schema.collections[0].table.columns[-1]
    assert (column.sql_type, column.description) == ("uuid", "Id of topics.resource")


def test_two_services_cannot_share_a_schema_or_a_role(checkout):
    checkout.schema("pets", roles={"service": "person_service", "reader": "pets_reader"})
    assert "roles.service = person_service: is already used in services/person/database" in problems(checkout)


@pytest.mark.parametrize(
    ("file", "sql", "expected"),
    [
        ("person/2.0.0.0/01_move.backfill.sql", "update person set name = name", "is not a migration's file name"),
        ("person/2.0.0/move.sql", "select 1", "is not a migration's file name"),
        ("persn/2.0.0/01_move.expand.sql", "select 1", 'belongs to no collection. Did you mean "person"?'),
        ("person/2.0.0/01_move.backfill.sql", "delete from person", "is not one UPDATE of its collection"),
        ("person/2.0.0/01_move.backfill.sql", "update person set name = x from y", "is not one UPDATE"),
        ("person/2.0.0/01_move.backfill.sql", "update other set name = name", "is not one UPDATE of its collection"),
    ],
)
def test_a_migration_is_named_and_made_as_it_should_be(checkout, file, sql, expected):
    checkout.collection()
    checkout.write(f"{PEOPLE}/migrations/{file}", sql)
    assert expected in problems(checkout)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": "1", "name": "Ada"}, "row 0: id = 1: is not a UUID."),
        ({"name": "Ada"}, "row 0: id: is missing."),
        ({"id": "019a0000-0001-7000-8000-000000000001"}, "row 0: name: is missing."),
        (
            {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada", "nme": 1},
            'row 0: nme = 1: is not a column. Did you mean "name"?',
        ),
        (
            {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada", "status": "of"},
            "is not a value of its enumerator.",
        ),
        (
            {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada", "info": {"a": "x"}},
            "doesn't follow its JSON Schema: a: 'x' is not of type 'integer'.",
        ),
        ({"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada", "age": "7"}, "row 0: age = 7: is not a number."),
    ],
)
def test_rows_must_fit_their_columns(checkout, row, expected):
    checkout.enumerators(1, status=["on", "off"])
    info = {"type": "document", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
    columns = {"status": {"type": "enum", "of": "status"}, "age": {"type": "count"}, "info": info}
    checkout.collection(version="1.0.0.1", columns=columns)
    checkout.rows([row])
    assert expected in problems(checkout)


def test_what_is_wrong_in_many_rows_is_said_once(checkout):
    checkout.collection()
    checkout.rows([{"id": f"019a0000-0001-7000-8000-00000000000{n}", "name": "Ada", "nme": "x"} for n in range(9)])
    assert problems(checkout).count("nme") == 1
    assert "is not a column. Same in 8 more rows. Did you mean" in problems(checkout)


def test_two_rows_with_one_key_are_refused(checkout):
    checkout.collection()
    row = {"id": "019a0000-0001-7000-8000-000000000001", "name": "Ada"}
    checkout.rows([row, row])
    assert "row 1: id = 019a0000-0001-7000-8000-000000000001: has the primary key of row 0." in problems(checkout)


def test_line_ends_and_byte_order_marks_do_not_change_a_digest(checkout):
    file: Path = checkout.collection()
    text = file.read_bytes()

    def digest() -> str:
        return checkout.load().schemas[0].collections[0].digest

    first = digest()
    file.write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert digest() == first
    file.write_bytes(text.replace(b"One person", b"A person"))
    assert digest() != first


def test_the_configuration_of_this_repository_is_sound(workspace_root):
    from gatehouse_db_manager import load

    assert load(workspace_root).schemas


def test_the_schemas_for_editors_follow_the_formats(workspace_root):
    from gatehouse_db_manager.cli.json_schemas import generate

    for path, text in generate(workspace_root).items():
        assert (workspace_root / path).read_text(encoding="utf-8") == text
