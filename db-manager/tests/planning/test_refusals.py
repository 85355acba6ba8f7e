"""What apply refuses, and that nothing is touched then."""

import pytest

from gatehouse_db_manager import ConfigurationError, NoDatabaseError, RefusedError, apply


def test_the_same_version_with_other_content_is_refused_by_name(checkout, database):
    checkout.collection()
    database.apply(checkout)
    checkout.collection(columns={"nick": {"type": "word"}})
    with pytest.raises(
        RefusedError, match=r"collections/person.yaml: version = 1.0.0.0: was applied with other content"
    ) as caught:
        database.apply(checkout)
    assert caught.value.exit_code == 3
    assert "Raise it to 1.0.1.0" in str(caught.value)
    assert "nick" not in database.tables()["person"].columns


def test_other_line_ends_are_not_other_content(checkout, database):
    file = checkout.collection()
    database.apply(checkout)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert not database.apply(checkout).changed


def test_a_version_never_goes_back(checkout, database):
    checkout.collection(version="1.1.0.0")
    database.apply(checkout)
    checkout.collection(version="1.0.9.0")
    with pytest.raises(RefusedError, match=r"version = 1.0.9.0: is older than the applied version 1.1.0.0"):
        database.apply(checkout)


def test_a_changed_type_needs_a_new_version_of_what_uses_it(checkout, database):
    checkout.collection()
    database.apply(checkout)
    file = checkout.root / "db-manager/types/word.yaml"
    file.write_text(file.read_text().replace("200", "300"))
    with pytest.raises(RefusedError, match="was applied with other custom types"):
        database.apply(checkout)
    checkout.collection(version="1.0.1.0")
    database.apply(checkout)
    assert "300" in database.tables()["person"].constraints["person_name_length"].definition


def test_a_snapshot_that_was_applied_never_changes(full, database):
    database.apply(full)
    full.enumerators(1, status=["pending", "active", "gone"], skill=["api", "ui"])
    with pytest.raises(RefusedError, match=r"enumerators/1.yaml: was applied with other content") as caught:
        database.apply(full)
    assert "enumerators/2.yaml" in str(caught.value)


def test_a_missing_file_does_not_drop_its_table(checkout, database):
    file = checkout.collection()
    database.apply(checkout)
    file.unlink()
    with pytest.raises(RefusedError, match=r"person.yaml: was deleted, which drops the table person.person"):
        database.apply(checkout)


def test_a_table_that_somebody_else_made_is_not_touched(checkout, database):
    database.run("create schema person; create table person.person (id int)")
    checkout.collection()
    with pytest.raises(RefusedError, match="which db-manager didn't make"):
        database.apply(checkout)


def test_the_first_apply_marks_the_environment_and_another_is_refused(checkout, database):
    checkout.collection()
    database.apply(checkout, environment="staging")
    with pytest.raises(RefusedError, match="environment = production: belongs to staging"):
        database.apply(checkout, environment="production")
    assert database.value("select name from dbm.environment") == "staging"


def test_no_database_is_one_clear_sentence(checkout):
    checkout.collection()
    with pytest.raises(NoDatabaseError, match="Can't connect to the database"):
        apply("postgresql://postgres@127.0.0.1:1/none", checkout.load())


def test_a_wrong_configuration_touches_nothing(checkout, database):
    checkout.collection(columns={"age": {"type": "years"}})
    with pytest.raises(ConfigurationError):
        database.apply(checkout)
    assert database.value("select to_regnamespace('dbm') is null")


def test_an_extension_that_the_server_has_not_is_refused_before_anything_is_made(checkout, database):
    checkout.collection()
    checkout.schema("person", extensions=["not_on_this_server"])
    with pytest.raises(RefusedError, match=r"extensions = not_on_this_server: isn't installed on this") as caught:
        database.apply(checkout)
    assert "use a server that has it" in str(caught.value)
    assert database.value("select to_regnamespace('person')") is None
