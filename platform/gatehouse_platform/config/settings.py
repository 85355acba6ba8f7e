"""A stack's configuration as frozen structs: the keys of a stack file, and the defaults of each tier.

Knows neither Pulumi nor AWS. `stack_config.py` reads and validates the files.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatehouse_catalog import Service
from gatehouse_catalog.releases import ENVIRONMENTS, Digest, Release
from gatehouse_catalog.structs import MAIL_FROM, SettingValue, Strict

FOUNDATION = "foundation"
STACKS = (FOUNDATION, *ENVIRONMENTS)

Account = Annotated[str, Meta(pattern=r"^[0-9]{12}$", description="The AWS account, twelve digits in quotes")]
Clock = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="Hours and minutes, as in 19:30")]
Cidr = Annotated[str, Meta(pattern=r"^(\d{1,3}\.){3}\d{1,3}/16$", description="A private /16, other than its peers'")]
Repository = Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$", description="OWNER/NAME at GitHub")]
Mail = Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$", description="Who is told about costs and alerts")]
GrafanaWorkspace = Annotated[
    str, Meta(pattern=r"^g-[0-9a-f]{10}$", description="Where dashboards go: the id of the foundation's workspace")
]


class Dns(Strict, frozen=True, kw_only=True):
    name: Annotated[str, Meta(pattern=r"^[a-z0-9.-]+$", description="What people open")]
    zone: Annotated[str, Meta(pattern=r"^Z[A-Z0-9]+$", description="The id of its hosted zone in Route 53")]


class NetworkSettings(Strict, frozen=True, kw_only=True):
    cidr: Cidr
    zones: Annotated[int, Meta(ge=2, le=3)] = 2
    egress: Annotated[
        Literal["public", "instance", "nat", "endpoints"],
        Meta(
            description="How tasks reach AWS and the internet: by an address of their own, by a NAT instance or a "
            "NAT gateway in each zone, or AWS only; `gate stack cost` shows what each costs"
        ),
    ] = "public"
    flow_log_days: Annotated[int, Meta(ge=1)] = 30


class DatabaseSettings(Strict, frozen=True, kw_only=True):
    version: Annotated[str, Meta(pattern=r"^1[5-8](\.\d+)?$", description="PostgreSQL, major or major.minor")] = "17"
    instance: Annotated[str, Meta(pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")] = "db.t4g.micro"
    storage_gib: Annotated[int, Meta(ge=20)] = 20
    storage_gib_at_most: Annotated[int, Meta(ge=21)] = 100
    multi_az: bool = False
    backup_days: Annotated[int, Meta(ge=1, le=35)] = 7
    deletion_protection: bool = False
    load_alarms: Annotated[
        bool, Meta(description="Owners are told of a busy processor, of connections and of memory that run out")
    ] = False
    apply_immediately: Annotated[
        bool, Meta(description="Change size and version at once, with an interruption; else in the maintenance window")
    ] = False


class Capacity(Strict, frozen=True, kw_only=True):
    """How tasks are placed: the first `on_demand_base` on demand, the rest by weight."""

    on_demand_base: Annotated[int, Meta(ge=0, le=100_000)] = 0
    on_demand_weight: Annotated[int, Meta(ge=0, le=1000)] = 0
    spot_weight: Annotated[int, Meta(ge=0, le=1000)] = 1


class Shutdown(Strict, frozen=True, kw_only=True):
    """Tasks run from `start` to `stop` on weekdays only; the database a little longer (off_hours.py)."""

    start: Clock = "08:00"
    stop: Clock = "18:00"
    timezone: str = "Europe/Berlin"


class ServiceChoice(Strict, frozen=True, kw_only=True):
    """What this environment overrides of a service's service.toml."""

    cpu: int | None = None
    memory: int | None = None
    min: Annotated[int, Meta(ge=0)] | None = None
    max: Annotated[int, Meta(ge=1)] | None = None
    deployment: Literal["rolling", "blue_green"] = "rolling"
    settings: dict[str, SettingValue] = msgspec.field(default_factory=dict)
    secrets: Annotated[
        dict[str, Literal["random", "given", "none"]],
        Meta(description="random: made once by the first up; given: you put it (rotate runbook); none: not passed"),
    ] = msgspec.field(default_factory=dict)


class TaskGroupChoice(Strict, frozen=True, kw_only=True):
    """Services that run as containers of one task: they share its processor, memory, network and role, so whoever
    takes over one of them has what all of them may do. They restart together.
    """

    services: Annotated[
        list[str], Meta(min_length=1, description="At most 5: an ECS service has so many target groups")
    ]
    cpu: Annotated[int, Meta(description="CPU units of the task, by default those of its largest service")] | None = (
        None
    )
    memory: Annotated[int, Meta(description="MiB of the task, by default 192 for each service")] | None = None
    min: Annotated[int, Meta(ge=0)] | None = None
    max: Annotated[int, Meta(ge=1)] | None = None


class Collector(Strict, frozen=True, kw_only=True):
    """The OpenTelemetry collector's image. Without one, there is no collector."""

    image: str
    digest: Digest


class EnvironmentSettings(Strict, frozen=True, kw_only=True):
    """Everything that can differ between environments."""

    tier: Literal["development", "staging", "production"]
    account: Account
    repository: Repository
    owners: Annotated[list[Mail], Meta(min_length=1)]
    lean: Annotated[
        bool, Meta(description="The tier at the least price; `gate stack cost --lean` says what is given up")
    ] = False
    dns: Dns
    network: NetworkSettings
    database: DatabaseSettings = DatabaseSettings()
    capacity: Capacity = Capacity()
    shutdown: Shutdown | None = None
    parked: Annotated[
        bool,
        Meta(description="Keeps data, keys and secrets, and runs nothing: no balancer, no tasks, the database stopped"),
    ] = False
    budget_usd: Annotated[int, Meta(ge=1, description="A month; owners are told at 80 and 100 per cent")] = 150
    log_days: Literal[7, 14, 30, 60, 90, 180, 365, 400] = 30
    restore_rehearsal: Annotated[
        bool, Meta(description="A restore is rehearsed every month, beside the database; runbooks/restore.md")
    ] = False
    minimum_tasks: Annotated[int, Meta(ge=0)] = 1
    insights: Annotated[bool, Meta(description="CloudWatch's Container Insights, beside Prometheus")] = False
    shell_in_tasks: Annotated[bool, Meta(description="ECS exec; every session is logged")] = True
    firewall: Annotated[bool, Meta(description="AWS WAF before the load balancer")] = False
    protect: Annotated[bool, Meta(description="Pulumi refuses to delete what holds data")] = False
    drain_seconds: Annotated[int, Meta(ge=0, le=25)] = 10
    groups: Annotated[
        dict[str, TaskGroupChoice],
        Meta(description="Services that share tasks, by the name of their group; who is in none has tasks of its own"),
    ] = msgspec.field(default_factory=dict)
    services: dict[str, ServiceChoice] = msgspec.field(default_factory=dict)
    releases: dict[str, Release] = msgspec.field(default_factory=dict)
    approved_plans: Annotated[
        dict[str, str],
        Meta(description="By service, db-manager's fingerprints that were approved; written by gate promote"),
    ] = msgspec.field(default_factory=dict)
    collector: Collector | None = None
    scrape_seconds: Annotated[
        Literal[15, 30, 60], Meta(description="How often the collector reads each container; each reading is paid for")
    ] = 60
    fine_latencies: Annotated[
        bool, Meta(description="Keep all bounds of the latencies' histogram; a third of all series are such")
    ] = False
    traces: Annotated[
        bool, Meta(description="Services send a span for each request to the collector, and it to X-Ray: $5 a million")
    ] = False
    probe_client: Annotated[
        str,
        Meta(description="The id of the service client that the probe signs in as; empty: it visits as a stranger"),
    ] = ""
    grafana_workspace: GrafanaWorkspace | None = None


def mail_from(service: Service, settings: EnvironmentSettings) -> str:
    """The address that a service with `sends_mail` sends from here: what the stack file says, or the name that its
    service.toml has, at the environment's domain."""
    chosen = settings.services.get(service.name, ServiceChoice()).settings.get(MAIL_FROM)
    default = str(service.settings[MAIL_FROM].default or "")
    return str(chosen) if chosen else f"{default.partition('@')[0] or 'mail'}@{settings.dns.name}"


class RepositoryIds(Strict, frozen=True, kw_only=True):
    """The ids that GitHub puts into a job's token beside the names: they stay when a name is given to another."""

    owner: Annotated[int, Meta(ge=1)]
    repository: Annotated[int, Meta(ge=1)]


class Grafana(Strict, frozen=True, kw_only=True):
    sign_in: Literal["AWS_SSO", "SAML"] = "AWS_SSO"
    seats: Annotated[int, Meta(ge=1, description="People who sign in: SREs. All others have the Throughput page")] = 2


class FoundationSettings(Strict, frozen=True, kw_only=True):
    """What an account has once, whatever environments there are."""

    account: Account
    repository: Repository
    repository_ids: Annotated[
        RepositoryIds | None,
        Meta(description="For a repository made or renamed since 2026-07-15, or opted in: docs/github.md"),
    ] = None
    owners: Annotated[list[Mail], Meta(min_length=1)]
    environments: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=lambda: list(ENVIRONMENTS))
    budget_usd: Annotated[int, Meta(ge=1)] = 1000
    anomaly_usd: Annotated[int, Meta(ge=1, description="A day's unexpected cost that is worth a mail")] = 20
    trail_days: Annotated[int, Meta(ge=90)] = 400
    cost_tags: Annotated[
        bool, Meta(description="Activates the tag by which budgets filter; AWS knows it a day after its first use")
    ] = True
    grafana: Grafana | None = Grafana()


# The defaults of each tier. The figures are choices; `gate stack cost` shows what they cost.
TIERS: dict[str, dict[str, Any]] = {
    "development": {
        # Public addresses instead of NAT save 2 x 35 USD a month; security groups still allow nobody in.
        "network": {"zones": 2, "egress": "public", "flow_log_days": 14},
        "database": {"apply_immediately": True},
        "shutdown": {},
        "log_days": 30,
    },
    # As development, with longer backups: what production has twice, it has once.
    "staging": {
        "network": {"zones": 2, "egress": "public"},
        "database": {"backup_days": 14, "apply_immediately": True},
        "shutdown": {},
        "log_days": 90,
    },
    "production": {
        "network": {"zones": 2, "egress": "instance", "flow_log_days": 90},
        "database": {
            "instance": "db.t4g.small",
            "storage_gib": 20,
            "storage_gib_at_most": 500,
            "multi_az": True,
            "backup_days": 35,
            "deletion_protection": True,
            "load_alarms": True,
        },
        # Of each group's tasks one runs on demand, the others on Spot, which gives two minutes' warning.
        "capacity": {"on_demand_base": 1, "on_demand_weight": 0, "spot_weight": 1},
        "log_days": 400,
        "restore_rehearsal": True,
        "minimum_tasks": 2,
        "shell_in_tasks": False,
        "firewall": True,
        "protect": True,
        "drain_seconds": 20,
        "budget_usd": 300,
    },
}


# What `lean` changes of a tier, and what is given up by it.
LEAN: dict[str, dict[str, Any]] = {
    "development": {"parked": True},
    "staging": {"parked": True},
    "production": {
        "network": {"egress": "public"},
        "database": {"instance": "db.t4g.micro", "multi_az": False},
        "capacity": {"on_demand_base": 0},
        "log_days": 90,
        "minimum_tasks": 1,
        "firewall": False,
        "budget_usd": 150,
    },
}
LEAN_GIVES_UP: dict[str, tuple[str, ...]] = {
    "development": ("it runs only while somebody works with it: gatehouse:parked: false, and an up of ten minutes",),
    "staging": ("it runs only before a Go-Live: gatehouse:parked: false, and an up of ten minutes",),
    "production": (
        "one task of each group, on Spot: a group is away for a minute or two when AWS takes its machine",
        "one zone for the database: its loss means a restore of an hour, with up to five minutes of changes lost",
        "a database of 1 GiB: about 80 connections",
        "no firewall: the balancer limits no address, and knows no bad input",
        "tasks have public addresses; security groups still let nobody in",
        "logs for 90 days instead of 400",
    ),
}


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack's name, where it runs, and its settings."""

    name: str
    region: str
    settings: EnvironmentSettings | FoundationSettings

    @property
    def prefix(self) -> str:
        """The prefix of every name that we choose in AWS."""
        return f"gatehouse-{self.name}"
