"""Connections to RDS are verified: by roots that every image has, of every region there is a stack in."""

import re
from collections.abc import Callable
from pathlib import Path

import psycopg.conninfo
import pytest
from cryptography import x509

from gatehouse_catalog import load_catalog
from gatehouse_platform.components.database import ROOTS
from gatehouse_platform.config.settings import ENVIRONMENTS
from gatehouse_platform.offline.graph import Graph

Graphs = Callable[[str], Graph]
FILE = "services/rds-ca.pem"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_roots_are_those_of_the_stacks_region(root: Path, graph: Graphs, name: str):
    names = [
        str(attribute.value)
        for certificate in x509.load_pem_x509_certificates((root / FILE).read_bytes())
        for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    ]
    region = graph(name).region
    assert names
    assert all(re.fullmatch(rf"Amazon RDS {region} Root CA (RSA2048|RSA4096|ECC384) G1", one) for one in names)
    # rds-ca-rsa2048-g1 is signed by the root of that name.
    (database,) = graph(name).of_type("aws:rds/instance:Instance")
    kind = database.properties["caCertIdentifier"].removeprefix("rds-ca-").partition("-")[0].upper()
    assert f"Amazon RDS {region} Root CA {kind} G1" in names


@pytest.mark.parametrize("recipe", ["services/Dockerfile", "db-manager/Dockerfile"])
def test_every_image_has_them_where_the_address_says(root: Path, recipe: str):
    assert f"COPY {FILE} {Path(ROOTS).parent}/\n" in (root / recipe).read_text()
    assert Path(FILE).name == Path(ROOTS).name


def test_every_task_verifies_the_database(root: Path, graph: Graphs):
    found = graph("production")
    addresses = [
        re.search(r'"(postgresql://[^"]+)"', task.properties["containerDefinitions"])
        for task in found.of_type("aws:ecs/taskDefinition:TaskDefinition")
        if task.name.endswith("-database")
    ]
    assert len(addresses) == len([service for service in load_catalog(root) if service.database])
    for address in addresses:
        assert address
        parts = psycopg.conninfo.conninfo_to_dict(address[1])
        assert (parts["sslmode"], parts["sslrootcert"]) == ("verify-full", ROOTS)
