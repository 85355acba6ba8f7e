"""What contestants run in: a throwaway PostgreSQL with the test data, identity, and what a service is given."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from pathlib import Path

import httpx
from harness import LOAD_CORE, Contestant, pinned, server

from gatehouse_catalog import find_root, load_catalog
from gatehouse_catalog.structs import PERSON_KEYS_VARIABLE, setting_variable
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_local.testing.shared_process import shared

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)
PEERS = Path(__file__).parent / "peers"
RESOURCE = "019a0000-0004-7000-8000-000000000042"


class World:
    """A seeded PostgreSQL and identity, beside which contestants run."""

    def __init__(self, postgres: Postgres, database: str, scratch: Path) -> None:
        self._postgres, self.database, self._scratch = postgres, database, scratch
        self.identity = ""

    def environment(self, name: str) -> dict[str, str]:
        """What the service `name` is given."""
        service = CATALOG[name]
        given = {"GATEHOUSE_ENVIRONMENT": "local", "GATEHOUSE_URL_IDENTITY": self.identity}
        for other in CATALOG.uses(service):
            given.setdefault(other.address_variable, "http://127.0.0.1:9")
        for key, setting in service.settings.items():
            if setting.secret:
                given[setting_variable(key, secret=True)] = "benchmarks-keep-no-secrets-at-all-00"
        if service.database:
            given["GATEHOUSE_DATABASE_URL"] = self._postgres.role_url(self.database, service.database.service_role)
            given[PERSON_KEYS_VARIABLE] = str(self._scratch / "person-keys" / name)
        return given

    def service(self, name: str, path: str = "/health/ready", headers: Mapping[str, str] | None = None) -> Contestant:
        command = [sys.executable, "-m", "gatehouse_chassis", name]
        return Contestant(name, command, path, self.environment(name), headers or {})

    def peer(self, name: str, path: str, headers: Mapping[str, str], label: str) -> Contestant:
        command = [sys.executable, str(PEERS / f"{name}.py")]
        return Contestant(label, command, path, self.environment("topics"), headers)

    def token(self, persona: str = "member") -> dict[str, str]:
        answer = httpx.post(f"{self.identity}/api/identity/personas/{persona}/sessions", timeout=10)
        return {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}


@contextlib.contextmanager
def world() -> Generator[World]:
    with tempfile.TemporaryDirectory(prefix="gate-bench-") as scratch, shared(Path(scratch), "postgres") as facts:
        # Beside the load, so that the server's core is the server's.
        if pin := pinned(LOAD_CORE):
            subprocess.run([*pin[:1], "-acp", str(LOAD_CORE), str(facts["process"])], check=False, capture_output=True)
        postgres = Postgres(facts["url"], Path(scratch))
        made = World(postgres, postgres.create_database(postgres.seeded_template(ROOT)), Path(scratch))
        with server(made.service("identity"), core=LOAD_CORE) as (_, made.identity, _):
            yield made


def same_answers(contestants: list[Contestant]) -> None:
    """Refuses to compare servers that answer differently."""
    bodies = {}
    for contestant in contestants:
        with server(contestant) as (_, url, _):
            body = httpx.get(url + contestant.path, headers=dict(contestant.headers)).json()
            bodies[contestant.name] = json.dumps(body, sort_keys=True)
    if len(set(bodies.values())) != 1:
        sys.exit(
            "the contestants answer differently:\n" + "\n".join(f"{name}: {body}" for name, body in bodies.items())
        )
