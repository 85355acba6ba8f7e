"""From the catalog to the runner: the processes that a selection of services needs, with their environments.

Reads the catalog, git's commit and the local secrets, and writes Prometheus' files; it starts nothing.
"""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec

from gatehouse_catalog import Catalog, Service, load_catalog
from gatehouse_catalog.laid_out import laid_out_in
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, PERSON_KEYS_VARIABLE, setting_variable
from gatehouse_local import breakpoints
from gatehouse_local.ports import EDGE_PORT, POSTGRES_PORT
from gatehouse_local.postgres_wheels import unusable_schemas
from gatehouse_local.runner import prometheus_process
from gatehouse_local.runner.postgres import DATABASE, HOST, Embedded
from gatehouse_local.runner.resource import Spec
from gatehouse_local.runner.secrets import PEER_KEY, Secrets

POSTGRES, DATABASE_STEP, EDGE = "postgres", "database", "edge"
GROUPS = ("db", "api", "all")
PRELOADED = "gatehouse_chassis.preload"  # what all services import
# Where four platforms share a machine: each connection is a process of PostgreSQL with 3.5 MB of its own.
IDLE_CONNECTION_SECONDS = "10"
OBSERVE = "--observe"  # in a selection: run Prometheus too
# Set for a single process, or by a test run; services must not inherit them.
_OWN = ("GATEHOUSE_LISTEN_FD", "GATEHOUSE_READY_FD", "GATEHOUSE_DATABASE_URL", "GATEHOUSE_HOST", "PYTEST_CURRENT_TEST")


class Location(msgspec.Struct, frozen=True):
    """Where a platform runs: its checkout, its state folder, and the offset added to each port."""

    root: Path
    state: Path
    offset: int = 0

    @property
    def postgres_port(self) -> int:
        return POSTGRES_PORT + self.offset

    @property
    def edge_port(self) -> int:
        return EDGE_PORT + self.offset

    @property
    def prometheus_port(self) -> int:
        return prometheus_process.PORT + self.offset

    @property
    def probe_port(self) -> int:
        return prometheus_process.PROBE_PORT + self.offset

    @property
    def public_url(self) -> str:
        return f"http://localhost:{self.edge_port}"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def port(self, service: Service) -> int:
        return service.port + self.offset

    def url(self, service: Service) -> str:
        return f"http://{HOST}:{self.port(service)}"


class Selection(msgspec.Struct, frozen=True):
    """The names asked for on the command line; resolved against the catalog whenever that changes."""

    wanted: frozenset[str]

    def services(self, catalog: Catalog) -> tuple[Service, ...]:
        """The services to run, each after those it uses. Raises CatalogError for an unknown name."""
        names: set[str] = set(self.wanted - {*GROUPS, OBSERVE})
        if "all" in self.wanted:
            names |= set(catalog.names)
        if "api" in self.wanted:
            names |= {service.name for service in catalog.apis}
        return catalog.start_order(sorted(names))

    def __or__(self, other: "Selection") -> "Selection":
        return Selection(self.wanted | other.wanted)


def selection(words: Iterable[str]) -> Selection:
    return Selection(frozenset(words) or frozenset({"all"}))


class LocalPlatform:
    """The processes of one platform."""

    def __init__(self, place: Location) -> None:
        self.place = place
        self.reread()
        self.embedded = Embedded(place.state, place.postgres_port)
        self._secrets = Secrets(place.state)
        self._built = datetime.now(UTC).isoformat(timespec="seconds")
        self._commit = commit(place.root)
        # Values that only the runner knows, for services that declare a setting of that name. Prometheus' address is
        # set even while it isn't running, as a later `gate up --observe` may start it.
        self._runner_settings = {
            "prometheus_url": f"http://{HOST}:{place.prometheus_port}",
            "checkout": str(place.root),
        }
        if self.laid_out is not None:  # nobody works there
            del self._runner_settings["checkout"]

    def reread(self) -> None:
        """Reads the catalog and the releases again. Raises CatalogError and keeps those before if it is invalid."""
        self.catalog = load_catalog(self.place.root)
        self.laid_out = laid_out_in(self.place.state)

    def specs(self, wanted: Selection) -> list[Spec]:
        services = wanted.services(self.catalog)
        specs = [self._postgres(), self._database_step()]
        if services:
            specs.append(self._edge())
        if OBSERVE in wanted.wanted:
            specs += [self._prometheus(services), self._probe()]
        return specs + [self._service(service) for service in services]

    def ports(self, wanted: Selection) -> dict[str, int]:
        """The ports that the runner binds, by name (PostgreSQL binds its own)."""
        services = wanted.services(self.catalog)
        bound = {service.name: self.place.port(service) for service in services}
        return {EDGE: self.place.edge_port, **bound} if services else {}

    def _postgres(self) -> Spec:
        command, environment = self.embedded.command()
        return Spec(
            name=POSTGRES,
            kind="database",
            command=tuple(command),
            environment=environment,
            folder=self.place.state,
            port=self.place.postgres_port,
            url=f"postgresql://{HOST}:{self.place.postgres_port}/{DATABASE}",
            ready_line="database system is ready to accept connections",
            stop_signal=signal.SIGINT,
            stop_seconds=10.0,
        )

    def _database_step(self) -> Spec:
        return Spec(
            name=DATABASE_STEP,
            kind="task",
            command=self.database_command("apply"),
            environment=self._inherited() | self._databases(),
            folder=self.place.root,
            needs=(POSTGRES,),
            once=True,
        )

    def _databases(self) -> dict[str, str]:
        """What the step depends on: it runs again when that changes."""
        if self.laid_out is None:
            return {}
        digests = {name: one.release.database_digest or "" for name, one in self.laid_out.services.items()}
        content = msgspec.json.encode([digests, self.laid_out.approved_plans], order="deterministic")
        return {"GATEHOUSE_DATABASES": hashlib.sha256(content).hexdigest()}

    def database_command(self, action: str) -> tuple[str, ...]:
        place = self.place
        where = (str(place.root), str(place.state), str(place.postgres_port))
        return sys.executable, "-m", "gatehouse_local.runner.database_step", action, *where

    def _edge(self) -> Spec:
        routes = [
            {"service": service.name, "path": service.path, "targets": [self.place.url(service)]}
            for service in self.catalog
        ]
        return Spec(
            name=EDGE,
            kind="edge",
            command=(sys.executable, "-m", "gatehouse_local.runner.edge"),
            environment=self._inherited() | {"GATEHOUSE_EDGE_ROUTES": msgspec.json.encode(routes).decode()},
            folder=self.place.root,
            port=self.place.edge_port,
            url=self.place.public_url,
            ready_path="/__edge/health",
            front=True,
        )

    def _prometheus(self, services: Iterable[Service]) -> Spec:
        targets = {service.name: f"{HOST}:{self.place.port(service)}" for service in services}
        place = self.place
        probe = f"{HOST}:{place.probe_port}"
        return prometheus_process.spec(
            self.catalog, targets, state=place.state, port=place.prometheus_port, probe=probe
        )

    def _probe(self) -> Spec:
        place = self.place
        return prometheus_process.probe_spec(
            place.public_url, folder=place.root, port=place.probe_port, environment=self._inherited()
        )

    def _service(self, service: Service) -> Spec:
        used = tuple(other.name for other in self.catalog.uses(service))
        module = "gatehouse_local.apps.serve" if service.is_app else "gatehouse_chassis"
        command = (sys.executable, "-m", module, service.name)
        why = unusable_schemas(self.place.root).get(service.database.schema, "") if service.database else ""
        return Spec(
            name=service.name,
            kind=service.kind,
            command=(sys.executable, "-c", "import sys; sys.exit(sys.argv[1])", why) if why else command,
            environment=self._environment(service),
            folder=self.place.root,
            needs=(*used, *((DATABASE_STEP,) if service.database else ())),
            port=self.place.port(service),
            url=self.place.url(service),
            ready_path="/health/ready",
            forked=not (why or service.is_app),
            code=self._code(service),
        )

    def _code(self, service: Service) -> str:
        """Where its Python packages are; empty: those that are installed."""
        released = self.laid_out.services.get(service.name) if self.laid_out else None
        return released.python_path if released else ""

    def _environment(self, service: Service) -> dict[str, str]:
        place = self.place
        variables = self._inherited() | {
            "GATEHOUSE_ENVIRONMENT": "local",
            "GATEHOUSE_PUBLIC_URL": place.public_url,
            "GATEHOUSE_VERSION": "local",
            "GATEHOUSE_COMMIT": self._commit,
            "GATEHOUSE_BUILD_TIME": self._built,
            "GATEHOUSE_PORT": str(place.port(service)),
            "GATEHOUSE_DRAIN_SECONDS": "0",
            "PYTHONBREAKPOINT": f"{breakpoints.__name__}.{breakpoints.skip.__name__}",
        }
        if self.laid_out is not None:
            variables |= self._released(service)
        settings = place.root / "local" / "settings.toml"
        if settings.is_file():
            variables["GATEHOUSE_SETTINGS_FILE"] = str(settings)
        for called in self.catalog.callees(service):
            variables[called.address_variable] = place.url(called)
        if service.has_events:
            variables[PEER_KEY_VARIABLE] = self._secrets.get(*PEER_KEY)
        if service.database:
            role = service.database.service_role
            login = f"{quote(role)}:{quote(self._secrets.role_password(role), safe='')}"
            variables["GATEHOUSE_DATABASE_URL"] = f"postgresql://{login}@{HOST}:{place.postgres_port}/{DATABASE}"
            variables[PERSON_KEYS_VARIABLE] = str(place.state / "person-keys" / service.name)
        for key, setting in service.settings.items():
            if setting.secret:
                variables.setdefault(setting_variable(key, secret=True), self._secrets.get(service.name, key))
            elif key in self._runner_settings:
                variables.setdefault(setting_variable(key, secret=False), self._runner_settings[key])
        return variables

    def _released(self, service: Service) -> dict[str, str]:
        """What a release says of itself at /version, as the platform in AWS sets it."""
        assert self.laid_out is not None
        one = self.laid_out.services[service.name]
        return {
            "GATEHOUSE_VERSION": one.release.tag,
            "GATEHOUSE_COMMIT": one.release.commit,
            "GATEHOUSE_BUILD_TIME": one.release.built_at,
            "GATEHOUSE_IMAGE_DIGEST": one.release.digest,
            "PYTHONPATH": one.python_path,
            "GATEHOUSE_IDLE_CONNECTION_SECONDS": IDLE_CONNECTION_SECONDS,
        }

    def _inherited(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key not in _OWN}
        return kept | {"PYTHONUNBUFFERED": "1"}


def role_passwords(catalog: Catalog, state: Path) -> dict[str, str]:
    """The local passwords of all services' database roles, by role."""
    secrets = Secrets(state)
    databases = [service.database for service in catalog if service.database]
    roles = [role for database in databases for role in (database.service_role, database.reader_role)]
    return {role: secrets.role_password(role) for role in roles}


def commit(root: Path) -> str:
    """The checkout's commit; `unknown` if it isn't a git checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - the developer's own git
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
