"""The content of a `service.toml`, as frozen structs.

Everything else (the local run, images, AWS resources, dashboards) is derived from these. What a word in them
means is answered here, once, as a property: no reader compares `kind`. `load.py` reads and `rules.py` validates.
"""

from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from gatehouse_catalog.errors import Problem

SettingType = Literal["text", "integer", "number", "boolean", "duration", "url", "list"]
SettingValue = str | int | float | bool | list[str]
Kind = Literal["api", "web", "app"]
KINDS = frozenset(get_args(Kind))

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{1,30}$", description="Lower case, digits and dashes")]
Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,47}$", description="A PostgreSQL name or a setting's key")]
UrlPath = Annotated[str, Meta(pattern=r"^/[a-z0-9/-]*$", description="Where the load balancer sends it")]
Port = Annotated[int, Meta(ge=1024, le=65535, description="Local port, unique in the catalog")]
EventType = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9_]*){1,2}$",
        max_length=100,
        description="<service>.<noun>.<verb>, the noun left out where it is the service's own: person.joined",
    ),
]
Version = Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$", description="major.minor.patch")]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all catalog structs: frozen, and a misspelt key is an error."""


class DatabaseEntry(Strict, frozen=True, kw_only=True):
    schema: Annotated[Identifier, Meta(description="The service's own PostgreSQL schema")]
    needs: Annotated[
        dict[str, Version],
        Meta(description="Per collection, the least version this code works with; readiness waits for it"),
    ] = {}
    pool: Annotated[int, Meta(ge=2, le=10, description="Connections of one task at most")] = 4
    slow_statement_ms: Annotated[
        int, Meta(gt=0, description="A statement that takes longer is logged, with the request's ids")
    ] = 200

    @property
    def service_role(self) -> str:
        """The PostgreSQL role the service signs in with."""
        return f"{self.schema}_service"

    @property
    def reader_role(self) -> str:
        return f"{self.schema}_reader"


class Uses(Strict, frozen=True, kw_only=True):
    services: Annotated[list[str], Meta(description='Services it calls; ["*"] means every other api')] = []


class EventsEntry(Strict, frozen=True, kw_only=True):
    publishes: Annotated[list[EventType], Meta(description="What other services may follow; its name comes first")] = []
    handles: Annotated[
        dict[EventType, Identifier],
        Meta(description="What it follows: type -> handler, one that the service gives to create_app"),
    ] = {}


class Setting(Strict, frozen=True, kw_only=True):
    type: SettingType
    help: Annotated[str, Meta(description="One sentence: what it changes, and in which unit")] = ""
    default: SettingValue | None = None
    secret: Annotated[bool, Meta(description="Its value is never shown, logged or committed")] = False
    choices: list[SettingValue] | None = None
    minimum: float | None = None
    maximum: float | None = None


class Job(Strict, frozen=True, kw_only=True):
    """Work that is due at a time. With neither `every` nor `at`, only what the service itself puts into its queue."""

    help: Annotated[str, Meta(min_length=1, max_length=200, description="One sentence: what it does")]
    every: Annotated[str | None, Meta(description="How often, as in 10m or 24h")] = None
    at: Annotated[str | None, Meta(description="Daily, at this time of the wall clock in `zone`, as in 03:30")] = None
    zone: Annotated[
        str | None, Meta(description="IANA name, such as Europe/Berlin; left out, the setting institute_zone")
    ] = None


class Compute(Strict, frozen=True, kw_only=True):
    cpu: Annotated[int, Meta(description="Fargate CPU units; 1024 are one vCPU")] = 256
    memory: Annotated[int, Meta(description="MiB")] = 512


class Scaling(Strict, frozen=True, kw_only=True):
    min: Annotated[int, Meta(ge=0)] = 1
    max: Annotated[int, Meta(ge=1)] = 2
    concurrency: Annotated[
        int, Meta(ge=8, le=1000, description="Requests that one task handles at once; more get a 503 to try again")
    ] = 128
    requests_per_task: Annotated[int, Meta(ge=1, description="Requests a minute and task to aim at")] = 300


class Objectives(Strict, frozen=True, kw_only=True):
    availability: Annotated[float, Meta(gt=0, lt=100, description="Per cent of requests without a 5xx")] = 99.5
    latency_p99_ms: Annotated[int, Meta(gt=0, description="99 of 100 requests answer within this")] = 300


class ServiceFile(Strict, frozen=True, kw_only=True):
    """The content of one `service.toml`."""

    name: Name
    domain: Name
    summary: Annotated[str, Meta(min_length=1, max_length=120)]
    path: UrlPath
    port: Port
    kind: Kind = "api"
    database: DatabaseEntry | None = None
    uses: Uses = Uses()
    events: EventsEntry = EventsEntry()
    sends_mail: Annotated[
        bool, Meta(description="Mails leave from it, and it is told which bounced; one service of the catalog")
    ] = False
    runs_alone: Annotated[
        bool, Meta(description="Its containers never share a task with another service's: what it holds is its own")
    ] = False
    seals_keys: Annotated[
        bool, Meta(description="In AWS it has a key of KMS for itself, with which it seals keys that it makes")
    ] = False
    replays_log: Annotated[
        bool,
        Meta(description="After a restore its decisions are done again from its log (`recovery`); one of the catalog"),
    ] = False
    settings: dict[Identifier, Setting] = {}
    jobs: dict[Identifier, Job] = {}
    compute: Compute = Compute()
    scaling: Scaling = Scaling()
    objectives: Objectives = Objectives()


class Service(ServiceFile, frozen=True, kw_only=True):
    """A service and where its folder is."""

    folder: Path

    @property
    def is_api(self) -> bool:
        """Whether other programs call it: it lives below /api/, and `uses = ["*"]` means it."""
        return self.kind == "api"

    @property
    def is_app(self) -> bool:
        """Whether it is a single-page application: its image serves built files, and it runs behind the portal's
        sign-in and `/bff`."""
        return self.kind == "app"

    @property
    def has_pages(self) -> bool:
        """Whether people open it in a browser."""
        return self.kind != "api"

    @property
    def package(self) -> str:
        """Its Python package."""
        return "gatehouse_" + self.name.replace("-", "_")

    @property
    def file(self) -> Path:
        return self.folder / "service.toml"

    @property
    def has_events(self) -> bool:
        """Whether it publishes or follows events: then it is given the key that such services sign calls with."""
        return bool(self.events.publishes or self.events.handles)

    @property
    def followed(self) -> dict[str, list[str]]:
        """The types that it handles, by the service that publishes them."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.events.handles):
            found.setdefault(publisher_of(name), []).append(name)
        return found

    @property
    def address_variable(self) -> str:
        """The environment variable in which other services find its address."""
        return "GATEHOUSE_URL_" + self.name.replace("-", "_").upper()


def problem_of(service: Service, key: str, value: object, message: str, fix: str) -> Problem:
    """A problem with one key of a service's file."""
    file = f"services/{service.folder.name}/service.toml"
    return Problem(file=file, key=key, value=str(value), message=message, fix=fix)


PEER_KEY_VARIABLE = "GATEHOUSE_PEER_KEY"
"""The environment variable with the key that services with events sign their calls with."""

SEALING_KEY_VARIABLE = "GATEHOUSE_SEALING_KEY"
"""The environment variable with the ARN of the key in KMS that a service with `seals_keys` seals with."""

SEALED_ENVIRONMENT = "gatehouse:environment"
"""In the encryption context of all that is sealed so: the key's policy allows its own environment's only."""

PERSON_KEYS_VARIABLE = "GATEHOUSE_PERSON_KEYS"
"""The environment variable that says where the private keys of people are: a folder, or a bucket's address."""


MAIL_FROM, MAIL_CONFIGURATION_SET, MAIL_TOPIC = "mail_from", "mail_configuration_set", "mail_topic"
MAIL_SETTINGS = (MAIL_FROM, MAIL_CONFIGURATION_SET, MAIL_TOPIC)
"""The settings that a service with `sends_mail` has. In AWS, the platform gives the last two their values."""

MAIL_EVENTS_PATH = "/mail-events"
"""Below its path, where such a service is told what became of its mails."""


def publisher_of(event: str) -> str:
    """The service that publishes events of a type: its first word."""
    return event.partition(".")[0]


def setting_variable(key: str, *, secret: bool) -> str:
    """The environment variable that carries a setting."""
    return f"GATEHOUSE_{'SECRET' if secret else 'SETTING'}_{key.upper()}"


def duration_seconds(text: str) -> float:
    """Seconds of a duration like `500ms`, `30s`, `10m`, `2h` or `7d`. Raises ValueError for anything else."""
    for suffix, factor in (("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)):
        number = text.removesuffix(suffix)
        if number != text and number.isascii() and number.replace(".", "", 1).isdigit():
            return float(number) * factor
    message = f"{text!r} is not a duration: write a number and a unit, as in 500ms, 30s, 10m, 2h or 7d"
    raise ValueError(message)
