"""The running service: its catalog entry, settings, addresses and build, read once from the environment."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from gatehouse_catalog import load_catalog, load_service
from gatehouse_catalog.errors import CatalogError, Problem
from gatehouse_catalog.structs import PEER_KEY_VARIABLE, PERSON_KEYS_VARIABLE, SEALING_KEY_VARIABLE, Service
from gatehouse_chassis.service.client import PeerClient
from gatehouse_chassis.service.settings import Settings, resolve

T = TypeVar("T", int, float)
IDLE_CONNECTION_SECONDS = 300.0
ENVIRONMENTS = ("local", "dev", "test", "staging", "production")


class Build(msgspec.Struct, frozen=True):
    """Which code this is. Empty where it isn't known."""

    version: str = "unknown"
    commit: str = ""
    built_at: str = ""
    image_digest: str = ""


class ServiceContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a service knows about itself and its environment. `load` creates it; handlers receive it as `service`.

    Attributes:
        entry: Its entry in the catalog.
        environment: `local`, `dev`, `test`, `staging` or `production`.
        settings: Its declared settings, each with its value and origin.
        build: Which code this is.
        addresses: The base URL of each service that it may call.
        public_url: Where people reach the platform, without a slash at the end.
        host: The interface to listen on.
        port: The port to listen on.
        database_url: Its role's connection to PostgreSQL; None without a database.
        drain_seconds: How long it keeps serving after SIGTERM, so that the balancer notices.
        idle_connection_seconds: After so long without use a connection to PostgreSQL is closed.
        clients: The clients of other services, by name; filled at start.
        cors_origins: The origins whose pages may call it; empty for `public_url` only.
        traces_endpoint: Where spans are sent, as an OTLP address without its path; empty: nowhere.
        traces_ratio: The share of traces that is sent.
        person_keys: Where the private keys of people are that history is sealed to (privacy/key_store.py).
        peer_key: What services that follow events sign their calls with (events/service_token.py).
    """

    entry: Service
    environment: str
    settings: Settings
    build: Build
    addresses: dict[str, str]
    public_url: str
    host: str
    port: int
    database_url: str | None = None
    drain_seconds: float = 0.0
    idle_connection_seconds: float = IDLE_CONNECTION_SECONDS
    clients: dict[str, PeerClient] = {}
    cors_origins: tuple[str, ...] = ()
    peer_key: str = ""
    traces_endpoint: str = ""
    traces_ratio: float = 1.0
    person_keys: str = ""
    sealing_key: str = ""

    @property
    def name(self) -> str:
        return self.entry.name

    def address(self, name: str) -> str:
        """The base address of another service. Raises CatalogError when this one isn't given it."""
        try:
            return self.addresses[name]
        except KeyError:
            variable = "GATEHOUSE_URL_" + name.replace("-", "_").upper()
            fix = f"Name {name} under [uses] services in services/{self.name}/service.toml, and set {variable}."
            raise CatalogError([Problem(file="environment", key=variable, message="is not set.", fix=fix)]) from None

    def call(self, name: str) -> PeerClient:
        """The HTTP client for another service. Raises CatalogError when this one isn't given its address."""
        if name not in self.clients:
            self.clients[name] = PeerClient(name, self.address(name))
        return self.clients[name]

    @classmethod
    def load(cls, folder: Path, environ: Mapping[str, str] | None = None) -> "ServiceContext":
        """The service in `folder`, in the environment that `environ` describes (default: os.environ).

        Raises CatalogError naming every variable that is missing or wrong.
        """
        environ = os.environ if environ is None else environ
        entry = load_service(folder)
        environment = environ.get("GATEHOUSE_ENVIRONMENT", "")
        if environment not in ENVIRONMENTS:
            fix = f"Set it to one of {', '.join(ENVIRONMENTS)}."
            message = "is not set." if not environment else "is no environment."
            raise CatalogError(
                [Problem(file="environment", key="GATEHOUSE_ENVIRONMENT", value=environment, message=message, fix=fix)]
            )
        return cls(
            entry=entry,
            environment=environment,
            settings=resolve(entry, environ, folder.parent.parent),
            build=Build(
                version=environ.get("GATEHOUSE_VERSION", "unknown"),
                commit=environ.get("GATEHOUSE_COMMIT", ""),
                built_at=environ.get("GATEHOUSE_BUILD_TIME", ""),
                image_digest=environ.get("GATEHOUSE_IMAGE_DIGEST", ""),
            ),
            addresses=_addresses(entry, environ, folder.parent.parent),
            public_url=environ.get("GATEHOUSE_PUBLIC_URL", "http://localhost:8400").rstrip("/"),
            host=environ.get("GATEHOUSE_HOST", "127.0.0.1" if environment == "local" else "0.0.0.0"),  # noqa: S104 - a container listens to its balancer
            port=_number(environ, "GATEHOUSE_PORT", entry.port, int),
            database_url=environ.get("GATEHOUSE_DATABASE_URL") or None,
            drain_seconds=_number(environ, "GATEHOUSE_DRAIN_SECONDS", 0.0 if environment == "local" else 10.0, float),
            idle_connection_seconds=_number(
                environ, "GATEHOUSE_IDLE_CONNECTION_SECONDS", IDLE_CONNECTION_SECONDS, float
            ),
            cors_origins=tuple(filter(None, environ.get("GATEHOUSE_CORS_ORIGINS", "").split(","))),
            peer_key=environ.get(PEER_KEY_VARIABLE, ""),
            # OpenTelemetry's own names: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
            traces_endpoint=environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            traces_ratio=_number(environ, "OTEL_TRACES_SAMPLER_ARG", 1.0, float),
            sealing_key=environ.get(SEALING_KEY_VARIABLE, ""),
            person_keys=environ.get(PERSON_KEYS_VARIABLE, _beside(folder) if environment == "local" else ""),
        )


def _beside(folder: Path) -> str:
    """Of a service that is started by hand: where the runner keeps them too."""
    return str(folder.parent.parent / ".gate" / "person-keys" / folder.name)


def _addresses(entry: Service, environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """By service: GATEHOUSE_URL_<NAME>; and for who uses every service, the rule in GATEHOUSE_SERVICE_URLS.

    It is one rule because a variable per service would restart this one whenever a service is added. The names come
    from the catalog in the image: a new service is known from the next release on.
    """
    explicit = {
        key.removeprefix("GATEHOUSE_URL_").lower().replace("_", "-"): value.rstrip("/")
        for key, value in environ.items()
        if key.startswith("GATEHOUSE_URL_") and value
    }
    rule = environ.get("GATEHOUSE_SERVICE_URLS", "")
    if not rule:
        return explicit
    catalog = load_catalog(root)
    others = catalog.uses(entry)
    if not others:
        fix = "Copy services/*/service.toml into the image."
        message = "names no service: there is no other service.toml."
        raise CatalogError([Problem(file="environment", key="GATEHOUSE_SERVICE_URLS", message=message, fix=fix)])
    ruled = {other.name: rule.replace("{service}", other.name) for other in others}
    return ruled | explicit


def _number(environ: Mapping[str, str], key: str, default: T, kind: Callable[[str], T]) -> T:
    text = environ.get(key)
    if not text:
        return default
    try:
        return kind(text)
    except ValueError:
        problem = Problem(file="environment", key=key, value=text, message="is not a number.", fix="Write a number.")
        raise CatalogError([problem]) from None
