"""Every service's Piccolo tables, and the words it knows, against the schema that db-manager really applied."""

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args, get_origin

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


def structs_modules(module: str) -> list[ModuleType]:
    """The structs of a service's aggregates, and its modules at the top: enumerators are declared in either."""
    package = importlib.import_module(module.partition(".")[0])
    names = [name for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [importlib.import_module(name) for name in names if name.endswith(".structs") or name.count(".") == 1]


# The portal's words are those of other services; it has no enumerators.
@pytest.mark.parametrize("module", [module for module in MODULES if module != "gatehouse_portal.tables"])
def test_the_words_in_the_code_are_those_of_the_enumerators(module: str) -> None:
    """`Mastery`, or `Kind` for `resource_kind`: a Literal has its enumerator's name, or the end of it."""
    literals = {
        name: get_args(value)
        for structs in structs_modules(module)
        for name, value in vars(structs).items()
        if get_origin(value) is Literal
    }
    (schema,) = [one for one in load(ROOT).schemas if module == f"gatehouse_{one.name}.tables"]
    newest = schema.snapshots[-1:]
    found = {
        name: (words, snapshot.of(enumerator))
        for snapshot in newest
        for enumerator in snapshot.enumerators
        for name, words in literals.items()
        if enumerator.title().replace("_", "").endswith(name)
    }
    assert found or not newest
    for name, (words, configured) in found.items():
        assert words == configured, name


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
