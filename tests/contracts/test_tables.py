"""Every service's Piccolo tables, and the words it knows, against the schema that db-manager really applied."""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.repository import Repository
from gatehouse_chassis.http.idempotency import key_table
from gatehouse_chassis.http.rate_limits import bucket_table
from gatehouse_chassis.jobs.table import job_table
from gatehouse_db_manager import api, load
from gatehouse_db_manager.database import contract

ROOT = find_root(Path(__file__).parent)
SCHEMAS = [service.database.schema for service in load_catalog(ROOT) if service.database]
OF_THE_CHASSIS = [(key_table, "idempotency_key"), (bucket_table, "rate_bucket"), (job_table, "job")]
OF_PRIVACY = {"history", "person_key", "read_log", "text_attempt"}
OF_EVENTS = {file.stem for file in ROOT.glob("services/chassis/gatehouse_chassis/schema/event*.yaml")}
MODULES = contract.service_modules(ROOT)
configuration = cache(lambda: load(ROOT))


def test_every_service_with_a_database_is_compared() -> None:
    assert len(MODULES) == len(list(ROOT.glob("services/*/database/schema.yaml")))


@pytest.mark.parametrize("module", MODULES)
def test_the_code_s_tables_fit_the_applied_schema(module: str, database_url: str) -> None:
    with api.connect(database_url) as connection:
        actual = contract.applied(connection, SCHEMAS)
    tables = contract.code_tables(module)
    assert contract.compare(module, tables, actual) == []
    (schema,) = [schema for schema in configuration().schemas if module == f"gatehouse_{schema.name}.tables"]
    chassis = {name for _, name in OF_THE_CHASSIS} | OF_EVENTS | OF_PRIVACY
    own = {collection.name for collection in schema.collections} - chassis
    assert {table.table for table in tables} == own, "every collection is a table that queries can name"


@pytest.mark.parametrize(("make", "name"), OF_THE_CHASSIS)
def test_the_chassis_own_tables_fit_their_collections(make: Callable[[Database], Any], name: str) -> None:
    configured = contract.configured(configuration())
    columns = tuple(
        contract.CodeColumn(column._meta.db_column_name, column.column_type, bool(column._meta.null))
        for column in make(Database("identity"))._meta.columns
    )
    table = contract.CodeTable(name, "identity", name, columns)
    assert contract.compare("gatehouse_chassis", [table], configured) == []
    assert {column.name for column in columns} == set(configured["identity", name])


def test_the_configuration_says_the_same_as_the_applied_schema(database_url: str) -> None:
    with api.connect(database_url) as connection:
        actual = contract.applied(connection, SCHEMAS)
    for table, columns in contract.configured(configuration()).items():
        assert columns == actual[table]


def repositories(module: str) -> list[Repository]:
    """Those of all modules of a service."""
    package = importlib.import_module(module.partition(".")[0])
    names = [name for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return [value for value in values if isinstance(value, Repository)]


@pytest.mark.parametrize("module", [module for module in MODULES if module != "gatehouse_portal.tables"])
def test_what_is_said_of_a_taken_value_is_about_a_unique_rule_that_exists(module: str) -> None:
    """A rule that is renamed in the collection file would otherwise lose its words without a sign."""
    (schema,) = [schema for schema in configuration().schemas if module == f"gatehouse_{schema.name}.tables"]
    rules = {
        item.name
        for collection in schema.collections
        for item in (*collection.table.constraints, *collection.table.indexes)
        if "unique" in item.definition.lower() or getattr(item, "unique", False)
    }
    answered = {name: fields for repository in repositories(module) for name, fields in repository.unique.items()}
    assert answered
    assert [name for name in answered if name not in rules] == []


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
