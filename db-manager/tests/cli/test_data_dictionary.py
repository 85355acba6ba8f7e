"""The data dictionary and the entity diagram that `gate db docs` writes."""

from gatehouse_db_manager.cli.data_dictionary import diagram, documents, write


def configured(checkout):
    checkout.schema("topics")
    checkout.collection("resource", schema="topics")
    checkout.enumerators(person_status=["pending", "active"])
    checkout.collection(
        version="1.0.0.1",
        columns={
            "email": {"type": "email", "unique": True, "description": "Where to write | or call"},
            "status": {"type": "enum", "of": "person_status", "required": True, "default": "pending"},
            "mentor_id": {"type": "reference", "to": "person"},
            "resource_id": {"type": "reference", "to": "topics.resource"},
            "sort_name": {"type": "text", "generated": "lower(name)"},
        },
        checks={"known": "email is not null or status = 'pending'"},
        indexes={"by_name": {"columns": ["sort_name"]}},
    )
    return checkout.load()


def test_every_column_is_explained(checkout):
    page = documents(configured(checkout))["person.md"]
    assert "## person" in page
    assert "| email | text | UK | Where to write \\| or call |" in page
    assert "| status | text | required, default `'pending'` | One of: pending, active. |" in page
    assert "generated: `lower(name)`" in page
    assert "- `person_known`: `check (email is not null or status = 'pending')`" in page
    assert "- `person_by_name`: index `using btree (sort_name)`" in page
    assert "| person_status | active | It is active |" in page


def test_the_diagram_tells_foreign_keys_from_ids_elsewhere(checkout):
    drawn = diagram(configured(checkout)["person"])
    assert drawn.startswith("erDiagram\n    person {\n        uuid id PK\n")
    assert "    person |o--o{ person : mentor_id" in drawn
    assert '    "topics.resource" |o..o{ person : resource_id' in drawn


def test_writing_again_changes_nothing_and_leaves_other_files(checkout, tmp_path):
    configuration = configured(checkout)
    folder = tmp_path / "docs"
    names = {file.name for file in write(configuration, folder)}
    assert names == {"index.md", "person.md", "person.mmd", "topics.md", "topics.mmd"}
    (folder / "notes.md").write_text("mine")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    write(configuration, folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
