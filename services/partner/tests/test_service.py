"""The service as a whole: its routes, its role, and that code and configuration say the same."""

from typing import get_args

import asyncpg
import pytest
import yaml

from gatehouse_chassis.app import unguarded_routes
from gatehouse_partner import structs, tables


async def test_every_route_has_a_guard(partner):
    assert unguarded_routes(partner.app) == []


async def test_every_operation_has_an_id_and_a_summary(partner):
    paths = (await partner.get("/openapi.json")).json()["paths"]
    for path, operations in paths.items():
        for operation in operations.values():
            assert operation["operationId"][0].isupper(), path
            assert operation["summary"], path


async def test_it_is_ready_on_the_versions_that_it_needs(partner):
    assert (await partner.get("/health/ready")).status_code == 200
    shown = {one["collection"] for one in (await partner.get("/version")).json()["collections"]}
    assert shown == {"partner", "contact", "agreement", "idempotency_key"}


async def test_its_role_can_not_read_another_schema(service_url):
    connection = await asyncpg.connect(service_url)
    try:
        assert await connection.fetchval("select count(*) from partner.partner") == 13
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetchval("select count(*) from person.person")
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("enumerator", "words"),
    [
        ("partner_kind", structs.PartnerKind),
        ("partner_status", structs.PartnerStatus),
        ("agreement_kind", structs.AgreementKind),
        ("agreement_status", structs.AgreementStatus),
    ],
)
def test_the_words_in_the_code_are_those_of_the_enumerators(workspace_root, enumerator, words):
    file = workspace_root / "services/partner/database/enumerators/1.yaml"
    assert list(get_args(words)) == [one["value"] for one in yaml.safe_load(file.read_text())[enumerator]]


@pytest.mark.parametrize("table", [tables.Partner, tables.Contact, tables.Agreement])
async def test_the_tables_in_the_code_are_those_of_the_database(service_url, table):
    connection = await asyncpg.connect(service_url)
    try:
        rows = await connection.fetch(
            "select column_name, is_nullable = 'YES' as nullable from information_schema.columns "
            "where table_schema = 'partner' and table_name = $1",
            table._meta.tablename,
        )
    finally:
        await connection.close()
    in_code = {column._meta.db_column_name: column._meta.null for column in table._meta.columns}
    # A generated column is nullable to PostgreSQL; it has a value because the column it is made of has one.
    in_database = {
        row["column_name"]: row["nullable"] and row["column_name"] not in ("sort_name", "sort_title") for row in rows
    }
    assert in_code == in_database
