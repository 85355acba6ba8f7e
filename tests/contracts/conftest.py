"""All services as processes on a seeded database of their own, so that anything may be done to them."""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from gatehouse_catalog import Catalog, Service, find_root, load_catalog
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, setting_variable
from gatehouse_local.testing.pytest_plugin import Postgres, free_port

ROOT = find_root(Path(__file__).parent)
CATALOG = load_catalog(ROOT)


@dataclass
class Institute:
    """The running services. A service that didn't start fails the tests that ask for it, and no others."""

    catalog: Catalog
    logs: Path
    settings_file: Path
    urls: dict[str, str]
    secrets: dict[str, dict[str, str]]
    peer_key: str
    http: httpx.Client  # one for all: each reads the trusted authorities anew, which takes longer than most requests
    failures: dict[str, str] = field(default_factory=dict)

    def url(self, service: str) -> str:
        if service in self.failures:
            pytest.fail(f"{service} didn't start:\n{self.failures[service]}", pytrace=False)
        return self.urls[service]

    def log(self, service: str) -> str:
        return (self.logs / f"{service}.log").read_text()

    def get(self, service: str, path: str, **options) -> httpx.Response:
        return self.http.get(self.url(service) + path, **options)

    def sign_in(self, persona: str) -> dict[str, str]:
        """The Authorization header of a persona."""
        answer = self.http.post(f"{self.url('identity')}/api/identity/personas/{persona}/sessions")
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture(scope="module")
def institute(postgres: Postgres, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    """Started in the catalog's order, each when those before it are ready; ended by SIGTERM."""
    folder = tmp_path_factory.mktemp("institute")
    settings_file = folder / "settings.toml"
    settings_file.write_text("[person]\nintro_timeout_days = 21\n")
    institute = Institute(
        catalog=CATALOG,
        logs=folder,
        settings_file=settings_file,
        urls={service.name: f"http://127.0.0.1:{free_port()}" for service in CATALOG if service.port},
        secrets={
            service.name: {
                key: secrets.token_urlsafe(32) for key, setting in service.settings.items() if setting.secret
            }
            for service in CATALOG
        },
        peer_key=secrets.token_urlsafe(32),
        http=httpx.Client(timeout=10, trust_env=False),
    )
    with contextlib.ExitStack() as running:
        for service in CATALOG.start_order():
            if service.name in institute.urls:
                url = postgres.role_url(database_url, service.database.service_role) if service.database else ""
                running.enter_context(_started(institute, service, environment(institute, service, url)))
        running.callback(institute.http.close)
        yield institute


def environment(institute: Institute, service: Service, database_url: str) -> dict[str, str]:
    """What a runner gives to a service's process."""
    given = {
        "GATEHOUSE_ENVIRONMENT": "local",
        "GATEHOUSE_PORT": institute.urls[service.name].rpartition(":")[2],
        "GATEHOUSE_DATABASE_URL": database_url,
        "GATEHOUSE_SETTINGS_FILE": str(institute.settings_file),
        "GATEHOUSE_VERSION": "1.2.3",
        "GATEHOUSE_COMMIT": "0123abc",
        PEER_KEY_VARIABLE: institute.peer_key,
    }
    addresses = {other.address_variable: institute.urls[other.name] for other in CATALOG.callees(service)}
    hidden = {setting_variable(key, secret=True): value for key, value in institute.secrets[service.name].items()}
    return {**os.environ, **given, **addresses, **hidden}


@contextlib.contextmanager
def _started(institute: Institute, service: Service, environ: dict[str, str]) -> Generator[None]:
    name = service.name
    ready, announce = os.pipe()
    with (institute.logs / f"{name}.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gatehouse_chassis", name],
            cwd=ROOT,
            env={**environ, "GATEHOUSE_READY_FD": str(announce)},
            pass_fds=[announce],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    os.close(announce)
    with os.fdopen(ready, "rb") as pipe:
        if pipe.readline() != b"ready\n":
            process.wait(60)
            institute.failures[name] = institute.log(name)[-3000:]
            yield
            return
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, f"{name} didn't stop well:\n{institute.log(name)[-3000:]}"
