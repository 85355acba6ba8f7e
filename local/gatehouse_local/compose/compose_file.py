"""Generates `local/compose.yaml` from the catalog: the same platform in containers, with profiles.

Pure: the catalog in, text out. `docker_compose.py` runs the file, as does plain `docker compose`. It contains no
secrets: the container `secrets` generates them once, into one volume per owner, mounted only by that owner.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gatehouse_catalog import Catalog, Service, load_catalog
from gatehouse_catalog.extensions import SETTINGS
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, PERSON_KEYS_VARIABLE, setting_variable
from gatehouse_local.ports import EDGE_PORT, POSTGRES_PORT
from gatehouse_local.runner.secrets import PEER_KEY
from gatehouse_observability import grafana
from gatehouse_observability.collector import PROBE_PORT
from gatehouse_observability.rules import as_yaml

FILE = "local/compose.yaml"
# The same names as in the embedded engine (postgres.py).
ADMINISTRATOR, DATABASE = "gatehouse_admin", "gatehouse"
POSTGRES, SECRETS, EDGE = "postgres", "secrets", "edge"
PROMETHEUS, GRAFANA, PROBE = "prometheus", "grafana", "probe"
GROUPS = ("db", "api", "all")
OBSERVABILITY = "observability"
OWN = frozenset({POSTGRES, SECRETS, EDGE, PROMETHEUS, GRAFANA, PROBE, *GROUPS, OBSERVABILITY})
IMAGES = {POSTGRES: "postgres:18", PROMETHEUS: "prom/prometheus:v3.5.0", GRAFANA: "grafana/grafana:12.1.0"}
TOOLS = "gatehouse/local:local"  # the image of the edge and of `secrets`
PROMETHEUS_PORT, GRAFANA_PORT = 8490, 8491
PLACE = "/run/gatehouse"  # where a container finds its secrets
ENVIRONMENT_FILE = f"{PLACE}/environment"
KEYS_PLACE = "/var/lib/gatehouse/person-keys"  # made by services/Dockerfile for the user that it runs as
# For every container: only /tmp is writable, and no process can gain privileges.
LOCKED = {
    "read_only": True,
    "tmpfs": ["/tmp"],  # noqa: S108 - in the container
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges:true"],
}


_SETTINGS = {"shared_buffers": "64MB", "jit": "off"} | SETTINGS


class NameTaken(Exception):
    """A service has the name of one of the file's own containers or profiles."""


def generate(root: Path) -> dict[str, str]:
    """The generated file by its path relative to `root`. Raises NameTaken."""
    return {FILE: as_yaml(document(load_catalog(root)))}


def document(catalog: Catalog) -> dict[str, Any]:
    """The content of compose.yaml. Raises NameTaken."""
    taken = sorted(OWN & {*catalog.names, *(f"{service.name}-database" for service in catalog)})
    if taken:
        raise NameTaken(
            f"services/{taken[0]}: {FILE} uses the name {taken[0]} for a container or profile. Fix: rename the service."
        )
    running = list(catalog)
    profiles = profiles_of(catalog)
    services = {
        POSTGRES: _postgres(catalog),
        SECRETS: _secrets(catalog),
        **{database_of(service): _database(service, profiles) for service in catalog if service.database},
        **{service.name: _service(catalog, service, profiles) for service in running},
        EDGE: _edge(running, sorted(name for name in profiles if name != "db")),
        PROBE: _probe(),
        PROMETHEUS: _prometheus(),
        GRAFANA: _grafana(),
    }
    keys = [keys_of(service) for service in catalog if service.database]
    volumes = ["postgres", "secrets", *map(volume, owners(catalog)), *keys, PROMETHEUS, GRAFANA]
    return {"services": services, "volumes": {name: {} for name in volumes}}


def profiles_of(catalog: Catalog) -> dict[str, frozenset[str]]:
    """The services that each profile starts: a group, a domain or a service, and what they need."""
    wanted: dict[str, set[str]] = {
        "db": set(),
        "api": {service.name for service in catalog.apis},
        "all": set(catalog.names),
    }
    for domain, members in catalog.domains.items():
        wanted.setdefault(domain, set()).update(member.name for member in members)
    for service in catalog:
        wanted.setdefault(service.name, set()).add(service.name)
    return {
        profile: frozenset(service.name for service in catalog.start_order(sorted(names)))
        for profile, names in wanted.items()
    }


def database_of(service: Service) -> str:
    """The container that applies a service's database configuration."""
    return f"{service.name}-database"


def owners(catalog: Catalog) -> list[str]:
    """Containers with secrets: the database, those that change it, and services."""
    own = [service.name for service in catalog if _secrets_of(service)]
    return [POSTGRES, "database", GRAFANA, *own]


def volume(owner: str) -> str:
    return f"secrets-{owner}"


def keys_of(service: Service) -> str:
    """The volume with the private keys that its history is sealed to."""
    return f"person-keys-{service.name}"


def secret_files(catalog: Catalog) -> dict[str, str]:
    """The files that `secret_files` writes, by `owner/name`; `{owner.key}` in them becomes a secret."""
    administrator = f"postgresql://{ADMINISTRATOR}:{{postgres.administrator}}@{POSTGRES}:5432/{DATABASE}"
    databases = [service.database for service in catalog if service.database]
    passwords = {
        f"GATEHOUSE_PASSWORD_{role.upper()}": f"{{roles.{role}}}"
        for database in databases
        for role in (database.service_role, database.reader_role)
    }
    files = {
        f"{POSTGRES}/password": "{postgres.administrator}",
        "database/environment": _lines({"GATEHOUSE_ADMIN_URL": administrator, **passwords}),
        f"{GRAFANA}/password": "{grafana.administrator}",
    }
    for service in catalog:
        if _secrets_of(service):
            files[f"{service.name}/environment"] = _lines(_secrets_of(service))
    return files


def _lines(variables: dict[str, str]) -> str:
    return "".join(f"{key}={value}\n" for key, value in variables.items())


def _secrets_of(service: Service) -> dict[str, str]:
    found = {}
    if service.database:
        role = service.database.service_role
        found["GATEHOUSE_DATABASE_URL"] = f"postgresql://{role}:{{roles.{role}}}@{POSTGRES}:5432/{DATABASE}"
    if service.has_events:
        found[PEER_KEY_VARIABLE] = f"{{{'.'.join(PEER_KEY)}}}"
    for key, setting in service.settings.items():
        if setting.secret:
            found[setting_variable(key, secret=True)] = f"{{{service.name}.{key}}}"
    return found


def _with(profiles: dict[str, frozenset[str]], service: Service) -> list[str]:
    return sorted(profile for profile, names in profiles.items() if service.name in names)


def _mounted(owner: str) -> list[str]:
    return [f"{volume(owner)}:{PLACE}:ro"]


def _reading_secrets(*command: str) -> list[str]:
    """Exports the variables of the secrets file, then executes the command."""
    return ["sh", "-c", f"set -a && . {ENVIRONMENT_FILE} && exec {' '.join(command)}"]


def _build(recipe: str, **arguments: str) -> dict[str, Any]:
    return {"context": "..", "dockerfile": recipe, "args": arguments}


def _after(*finished: str, healthy: Iterable[str] = ()) -> dict[str, Any]:
    return {name: {"condition": "service_completed_successfully"} for name in finished} | {
        name: {"condition": "service_healthy"} for name in healthy
    }


def _check(*command: str, start: str = "30s") -> dict[str, Any]:
    return {"test": ["CMD", *command], "interval": "3s", "timeout": "3s", "retries": 5, "start_period": start}


def _reads(url: str) -> dict[str, Any]:
    """For images without curl."""
    return _check("python3", "-S", "-c", f"import urllib.request as r; r.urlopen('{url}', timeout=2)")


def _postgres(catalog: Catalog) -> dict[str, Any]:
    return {
        "image": IMAGES[POSTGRES],
        "profiles": sorted(profiles_of(catalog)),
        "user": "postgres",
        **LOCKED,
        "tmpfs": ["/tmp", "/var/run/postgresql"],  # noqa: S108 - in the container
        "environment": {
            "POSTGRES_USER": ADMINISTRATOR,
            "POSTGRES_DB": DATABASE,
            "POSTGRES_PASSWORD_FILE": f"{PLACE}/password",
        },
        # Small, for a laptop, as in the embedded engine (see postgres.py).
        "command": ["postgres", *(part for one in _SETTINGS.items() for part in ("-c", "=".join(one)))],
        "volumes": ["postgres:/var/lib/postgresql", *_mounted(POSTGRES)],
        "ports": [f"127.0.0.1:{POSTGRES_PORT}:5432"],
        # Over TCP: during initialization the server listens on its Unix socket only.
        "healthcheck": _check("pg_isready", "-q", "-h", "127.0.0.1", "-U", ADMINISTRATOR, "-d", DATABASE),
        "depends_on": _after(SECRETS),
        "stop_signal": "SIGINT",
    }


def _secrets(catalog: Catalog) -> dict[str, Any]:
    return {
        "image": TOOLS,
        "build": _tools(catalog),
        "profiles": sorted([*profiles_of(catalog), OBSERVABILITY]),
        **LOCKED,
        "command": ["python3", "-m", "gatehouse_local.compose.secret_files", "/secrets"],
        "environment": {"GATEHOUSE_SECRET_FILES": json.dumps(secret_files(catalog), indent=1).replace("$", "$$")},
        "volumes": ["secrets:/secrets/kept", *(f"{volume(owner)}:/secrets/{owner}" for owner in owners(catalog))],
        "network_mode": "none",
        "healthcheck": {"disable": True},
    }


def _tools(catalog: Catalog) -> dict[str, Any]:
    return _build("local/Dockerfile", OWNERS=" ".join(owners(catalog)))


def _database(service: Service, profiles: dict[str, frozenset[str]]) -> dict[str, Any]:
    return {
        "image": f"gatehouse/{database_of(service)}:local",
        "build": _build("db-manager/Dockerfile", SERVICE=service.name),
        "profiles": sorted({"db", *_with(profiles, service)}),
        **LOCKED,
        "entrypoint": _reading_secrets("python3", "-m", "gatehouse_db_manager", "apply", "--test-data"),
        "environment": {"GATEHOUSE_ENVIRONMENT": "local"},
        "volumes": _mounted("database"),
        "depends_on": _after(SECRETS, healthy=[POSTGRES]),
    }


def _service(catalog: Catalog, service: Service, profiles: dict[str, frozenset[str]]) -> dict[str, Any]:
    used = catalog.uses(service)
    secrets = bool(_secrets_of(service))
    found: dict[str, Any] = {
        "image": f"gatehouse/{service.name}:local",
        "build": _build("services/Dockerfile", SERVICE=service.name),
        "profiles": _with(profiles, service),
        **LOCKED,
        "environment": {
            "GATEHOUSE_ENVIRONMENT": "local",
            "GATEHOUSE_PUBLIC_URL": f"http://localhost:{EDGE_PORT}",
            "GATEHOUSE_DRAIN_SECONDS": "0",
            **{other.address_variable: f"http://{other.name}:{other.port}" for other in catalog.callees(service)},
        },
        "ports": [f"127.0.0.1:{service.port}:{service.port}"],
        "healthcheck": _check("python3", "-S", "/opt/project/gatehouse_chassis/healthcheck.py"),
        "depends_on": _after(
            *([SECRETS] if secrets else []),
            *([database_of(service)] if service.database else []),
            healthy=[other.name for other in used],
        ),
        "restart": "on-failure",
    }
    if secrets:
        found["entrypoint"] = _reading_secrets("python3", "-m", "gatehouse_chassis")
        found["volumes"] = _mounted(service.name)
    if service.database:
        found["environment"][PERSON_KEYS_VARIABLE] = KEYS_PLACE
        found["volumes"] = [*found.get("volumes", []), f"{keys_of(service)}:{KEYS_PLACE}"]
    return found


def _edge(services: Iterable[Service], profiles: list[str]) -> dict[str, Any]:
    routes = [
        {"service": service.name, "path": service.path, "targets": [f"http://{service.name}:{service.port}"]}
        for service in services
    ]
    return {
        "image": TOOLS,
        "profiles": profiles,
        **LOCKED,
        "command": ["python3", "-m", "gatehouse_local.runner.edge"],
        "environment": {
            "GATEHOUSE_HOST": "0.0.0.0",  # noqa: S104 - in its container
            "GATEHOUSE_PORT": str(EDGE_PORT),
            "GATEHOUSE_EDGE_ROUTES": json.dumps(routes, indent=1),
        },
        "ports": [f"127.0.0.1:{EDGE_PORT}:{EDGE_PORT}"],
        # Its image is built for `secrets`, which starts first in every profile.
        "depends_on": _after(SECRETS),
        "healthcheck": _reads(f"http://127.0.0.1:{EDGE_PORT}/__edge/health"),
        "restart": "on-failure",
    }


def _probe() -> dict[str, Any]:
    """In the edge's network: only there is localhost the platform's public address."""
    file = "../observability/gatehouse_observability/probe/visit.py"
    return {
        "image": TOOLS,
        "profiles": ["all"],  # it needs whoever serves the pages, and whoever lets people in
        **LOCKED,
        "command": [
            "python3",
            "/probe.py",
            f"http://localhost:{EDGE_PORT}",
            "--host=0.0.0.0",
            f"--listen={PROBE_PORT}",
        ],
        "volumes": [f"{file}:/probe.py:ro"],
        "network_mode": f"service:{EDGE}",
        "depends_on": _after(healthy=[EDGE]),
        "healthcheck": _reads(f"http://127.0.0.1:{PROBE_PORT}/metrics"),
        "restart": "on-failure",
    }


def _prometheus() -> dict[str, Any]:
    folder = "../observability/generated"
    return {
        "image": IMAGES[PROMETHEUS],
        "profiles": [OBSERVABILITY],
        **LOCKED,
        "command": [
            "--config.file=/etc/prometheus/prometheus.yaml",
            "--storage.tsdb.path=/prometheus",
            "--storage.tsdb.retention.time=15d",
            "--storage.tsdb.retention.size=512MB",
            "--enable-feature=exemplar-storage",
        ],
        "volumes": [
            f"{folder}/compose/prometheus.yaml:/etc/prometheus/prometheus.yaml:ro",
            f"{folder}/rules.yaml:/etc/prometheus/rules.yaml:ro",
            f"{PROMETHEUS}:/prometheus",
        ],
        "ports": [f"127.0.0.1:{PROMETHEUS_PORT}:9090"],
        "healthcheck": _check("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:9090/-/ready"),
    }


def _grafana() -> dict[str, Any]:
    folder, provisioning = "../observability/generated", "/etc/grafana/provisioning"
    return {
        "image": IMAGES[GRAFANA],
        "profiles": [OBSERVABILITY],
        **LOCKED,
        "environment": {
            # Anyone on this machine may view; changes need the password in the volume.
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_SECURITY_ADMIN_PASSWORD__FILE": f"{PLACE}/password",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_PLUGINS_PREINSTALL_DISABLED": "true",
        },
        "volumes": [
            f"{folder}/grafana/datasources.yaml:{provisioning}/datasources/gatehouse.yaml:ro",
            f"{folder}/grafana/dashboards.yaml:{provisioning}/dashboards/gatehouse.yaml:ro",
            f"{folder}/dashboards:{grafana.FOLDER}:ro",
            f"{GRAFANA}:/var/lib/grafana",
            *_mounted(GRAFANA),
        ],
        "ports": [f"127.0.0.1:{GRAFANA_PORT}:3000"],
        "healthcheck": _check("wget", "-q", "-O", "/dev/null", "http://127.0.0.1:3000/api/health"),
        "depends_on": _after(SECRETS, healthy=[PROMETHEUS]),
    }
