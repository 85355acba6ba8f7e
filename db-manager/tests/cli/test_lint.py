"""SQL that people write is linted by squawk in `gate db check`."""

from gatehouse_db_manager.cli.lint import lint

FOLDER = "services/person/database"


def found(checkout) -> list[tuple[str, str]]:
    configuration = checkout.load()
    return [(problem.file, problem.key) for problem in lint(checkout.root, configuration)]


def test_a_sound_view_passes(checkout):
    checkout.collection()
    checkout.write(
        f"{FOLDER}/repeatable/names.sql", "create or replace view person.names as select name from person;\n"
    )
    assert found(checkout) == []


def test_a_dangerous_statement_is_named_with_its_line(checkout):
    checkout.collection()
    checkout.write(f"{FOLDER}/repeatable/names.sql", "select 1;\ncreate index by_name on person.person (name);\n")
    assert (f"{FOLDER}/repeatable/names.sql:2", "require-concurrent-index-creation") in found(checkout)


def test_what_is_no_sql_is_said(checkout):
    checkout.collection()
    checkout.write(f"{FOLDER}/repeatable/names.sql", "create or replace vew person.names as select 1;\n")
    assert found(checkout)[0] == (f"{FOLDER}/repeatable/names.sql:1", "syntax-error")


def test_an_exception_can_be_made_in_the_file(checkout):
    checkout.collection()
    text = "-- squawk-ignore require-concurrent-index-creation\ncreate index by_name on person.person (name);\n"
    checkout.write(f"{FOLDER}/repeatable/names.sql", text)
    assert found(checkout) == []


def test_only_a_contract_step_may_drop(checkout):
    checkout.collection()
    configuration = checkout.load()
    for what in ("expand", "contract"):
        path = f"{FOLDER}/migrations/person/2.0.0/01_drop.{what}.sql"
        checkout.write(path, "alter table person.person drop column name;\n")
    (problem,) = lint(checkout.root, configuration)
    assert problem.key == "ban-drop-column"
    assert problem.file.endswith("01_drop.expand.sql:1")
    assert problem.fix
