"""Every service's Piccolo tables, and the words it knows, against the schema that db-manager really applied."""

from pathlib import Path

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_db_manager import api, load
from gatehouse_db_manager.database import contract

ROOT = find_root(Path(__file__).parent)
SCHEMAS = [service.database.schema for service in load_catalog(ROOT) if service.database]
MODULES = contract.service_modules(ROOT)


def test_every_service_with_a_database_is_compared() -> None:
    assert len(MODULES) == len(list(ROOT.glob("services/*/database/schema.yaml")))


@pytest.mark.parametrize("module", MODULES)
def test_the_code_s_tables_fit_the_applied_schema(module: str, database_url: str) -> None:
    with api.connect(database_url) as connection:
        actual = contract.applied(connection, SCHEMAS)
    tables = contract.code_tables(module)
    assert tables or module == "gatehouse_portal.tables", f"{module} has no Piccolo table"
    assert contract.compare(module, tables, actual) == []


def test_the_configuration_says_the_same_as_the_applied_schema(database_url: str) -> None:
    with api.connect(database_url) as connection:
        actual = contract.applied(connection, SCHEMAS)
    for table, columns in contract.configured(load(ROOT)).items():
        assert columns == actual[table]


def test_what_does_not_fit_is_named_with_its_fix(database_url: str) -> None:
    with api.connect(database_url) as connection:
        actual = contract.applied(connection, ["person"])
    (person,) = [one for one in contract.code_tables("gatehouse_person.tables") if one.table == "person"]
    columns = actual["person", "person"]
    del columns["phone"]
    columns["status"] = contract.Actual("integer", True)
    columns["name"] = contract.Actual("text", False)
    found = {problem.key: problem for problem in contract.compare("gatehouse_person.tables", [person], actual)}
    assert found.keys() == {"Person.phone", "Person.status", "Person.name"}
    assert "doesn't exist in the table" in found["Person.phone"].message
    assert "integer in the database" in found["Person.status"].message
    assert "null=True" in found["Person.name"].fix
    assert "doesn't exist" in contract.compare("gatehouse_person.tables", [person], {})[0].message
