"""The rules that the catalog as a whole must keep, beyond the form of each file. Pure: structs in, problems out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from gatehouse_catalog.errors import Problem, nearest
from gatehouse_catalog.jobs import job_problems
from gatehouse_catalog.structs import MAIL_SETTINGS, Service, Setting, duration_seconds, problem_of, publisher_of

# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size
FARGATE_MEMORY_MIB: dict[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
# Paths that every service serves itself; a service that claimed one would hide them.
RESERVED_PATHS = (
    "/bff",
    "/health",
    "/version",
    "/config",
    "/metrics",
    "/jobs",
    "/openapi.json",
    "/docs",
    "/events",
    "/followed",
)
RESERVED_NAMES = frozenset(
    {"catalog", "chassis", "dbm", "local", "edge", "postgres", "public", "db-manager", "jobs", "events"}
)
# What a platform on a laptop listens on beside its services; `--port-offset` is added to each.
LOCAL_PORTS = {"edge": 8400, "postgres": 8432}
FIRST_SERVICE_PORT = 8401


def broken_rules(services: Sequence[Service]) -> Iterator[Problem]:
    """Every rule that the catalog breaks, in the order of its files."""
    for service in services:
        yield from _of_one(service)
    for key, what in (("name", "name"), ("port", "port"), ("path", "path")):
        yield from _unique(services, key, what, lambda service, key=key: getattr(service, key))
    yield from _unique(services, "database.schema", "schema", lambda s: s.database.schema if s.database else None)
    yield from _apps(services)
    yield from _uses(services)
    yield from _events(services)
    yield from _mail(services)
    yield from _sealing(services)
    yield from _recovery(services)


def _of_one(service: Service) -> Iterator[Problem]:
    if service.name != service.folder.name:
        yield problem_of(service, "name", service.name, "differs from its folder.", f'Write "{service.folder.name}".')
    if service.name in RESERVED_NAMES:
        yield problem_of(service, "name", service.name, "is taken by the platform itself.", "Choose another name.")
    yield from _address(service)
    yield from _compute(service)
    for key, setting in service.settings.items():
        yield from _setting(service, key, setting)
    for key, job in service.jobs.items():
        yield from job_problems(service, key, job)


def _address(service: Service) -> Iterator[Problem]:
    for name, port in LOCAL_PORTS.items():
        if service.port == port:
            message = f"is the port of the local platform's {name}."
            yield problem_of(service, "port", port, message, "Choose another port.")
    if service.is_api and not service.path.startswith("/api/"):
        yield problem_of(service, "path", service.path, "is not below /api/.", f'Write "/api/{service.name}".')
    if service.is_app and not service.path.startswith("/apps/"):
        yield problem_of(service, "path", service.path, "is not below /apps/.", f'Write "/apps/{service.name}".')
    if (service.path != "/" and service.path.endswith("/")) or service.path.startswith(RESERVED_PATHS):
        yield problem_of(service, "path", service.path, "ends in a slash or is reserved.", "Choose another path.")


def _compute(service: Service) -> Iterator[Problem]:
    sizes = FARGATE_MEMORY_MIB.get(service.compute.cpu)
    if sizes is None:
        legal = ", ".join(map(str, FARGATE_MEMORY_MIB))
        yield problem_of(service, "compute.cpu", service.compute.cpu, "is no Fargate size.", f"Choose one of {legal}.")
    elif service.compute.memory not in sizes:
        close = min(sizes, key=lambda size: abs(size - service.compute.memory))
        message = f"is no legal memory beside cpu = {service.compute.cpu}."
        yield problem_of(service, "compute.memory", service.compute.memory, message, f"The nearest legal is {close}.")
    if service.scaling.max < service.scaling.min:
        fix = f"Write at least {service.scaling.min}."
        yield problem_of(service, "scaling.max", service.scaling.max, "is below scaling.min.", fix)


def _setting(service: Service, key: str, setting: Setting) -> Iterator[Problem]:
    where = f"settings.{key}"
    if setting.secret and setting.type != "text":
        message = "is a secret; locally and in AWS its value is generated, which makes a text."
        yield problem_of(service, f"{where}.type", setting.type, message, 'Write type = "text".')
    if setting.secret and setting.default is not None:
        message = "is a secret with a default: it would be the same everywhere, and in git."
        yield problem_of(service, f"{where}.default", "(hidden)", message, "Remove the default.")
        return
    if setting.default is not None:
        reason = setting_problem(setting, setting.default)
        if reason:
            yield problem_of(service, f"{where}.default", setting.default, reason, f"Its type is {setting.type}.")


def setting_problem(setting: Setting, value: Any) -> str | None:
    """Why `value` can't be the value of `setting`, or None when it can.

    Types: text, integer, number, boolean, duration (`30s`), url (http or https), list (of texts).
    """
    reason = _type_problem(setting.type, value)
    if reason:
        return reason
    if setting.choices is not None and value not in setting.choices:
        return f"is not one of {', '.join(map(str, setting.choices))}."
    if isinstance(value, int | float) and not isinstance(value, bool):
        if setting.minimum is not None and value < setting.minimum:
            return f"is below the minimum {setting.minimum:g}."
        if setting.maximum is not None and value > setting.maximum:
            return f"is above the maximum {setting.maximum:g}."
    return None


def _type_problem(kind: str, value: Any) -> str | None:
    match kind:
        case "integer":
            ok = isinstance(value, int) and not isinstance(value, bool)
        case "number":
            ok = isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            ok = isinstance(value, bool)
        case "list":
            ok = isinstance(value, list) and all(isinstance(item, str) for item in value)
        case "url":
            ok = isinstance(value, str) and value.startswith(("http://", "https://"))
        case "duration":
            try:
                duration_seconds(value if isinstance(value, str) else "")
            except ValueError:
                return "is not a duration like 500ms, 30s, 10m, 2h or 7d."
            ok = True
        case _:
            ok = isinstance(value, str)
    return None if ok else f"is not of type {kind}."


def _unique(
    services: Sequence[Service], key: str, what: str, value_of: Callable[[Service], object]
) -> Iterator[Problem]:
    first: dict[object, Service] = {}
    for service in services:
        value = value_of(service)
        if value is None:
            continue
        if value in first:
            other = first[value].name
            fix = "Choose another."
            if key == "port":
                fix = f"The next free one is {free_port(services)}."
            yield problem_of(service, key, value, f"is already the {what} of {other}.", fix)
        else:
            first[value] = service


def free_port(services: Iterable[Service]) -> int:
    """The first port that neither a service nor the local platform has; gaps are filled."""
    taken = {service.port for service in services} | set(LOCAL_PORTS.values())
    return next(port for port in range(FIRST_SERVICE_PORT, 65536) if port not in taken)


def _apps(services: Sequence[Service]) -> Iterator[Problem]:
    """What an app declares for itself has nobody to read it: its image serves files."""
    for service in services:
        for key in ("database", "jobs", "settings"):
            if service.is_app and getattr(service, key):
                fix = "Remove it, or move it to the service that the app calls."
                yield problem_of(service, key, "", "is nothing that an app has: its image serves files.", fix)


def _uses(services: Sequence[Service]) -> Iterator[Problem]:
    by_name = {service.name: service for service in services}
    for service in services:
        for used in service.uses.services:
            if used == "*":
                continue
            if used == service.name:
                yield problem_of(service, "uses.services", used, "is the service itself.", "Remove it.")
            elif used not in by_name:
                yield problem_of(service, "uses.services", used, "doesn't exist.", nearest(used, by_name))
            elif by_name[used].is_app:
                yield problem_of(service, "uses.services", used, "is an app, which nobody calls.", "Remove it.")
    circle = _circle(by_name)
    if circle:
        shown = " -> ".join(circle)
        message = "is part of a circle, so neither could start first."
        yield problem_of(by_name[circle[0]], "uses.services", shown, message, "Remove one of these uses.")


def _events(services: Sequence[Service]) -> Iterator[Problem]:
    published = {name: service for service in services for name in service.events.publishes}
    for service in services:
        if service.has_events and service.database is None:
            fix = "Give it a [database]; events are written and handled in the transaction of a change."
            yield problem_of(service, "events", "", "needs a database.", fix)
        yield from _published(service)
        for name in service.events.handles:
            key = f'events.handles."{name}"'
            if publisher_of(name) == service.name:
                message = "is the service's own event: it knows what it does."
                yield problem_of(service, key, service.events.handles[name], message, "Remove it.")
            elif name not in published:
                message = "is published by nobody."
                yield problem_of(service, key, service.events.handles[name], message, nearest(name, published))


def _published(service: Service) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in service.events.publishes:
        if publisher_of(name) != service.name:
            fix = f"Write {service.name}.{name.partition('.')[2]}."
            yield problem_of(service, "events.publishes", name, "doesn't begin with the service's name.", fix)
        if name in seen:
            yield problem_of(service, "events.publishes", name, "is there twice.", "Remove one.")
        seen.add(name)


def _mail(services: Sequence[Service]) -> Iterator[Problem]:
    senders = [service for service in services if service.sends_mail]
    for service in senders:
        if not service.is_api:
            message = "is for an api only: what became of a mail is told below its path."
            yield problem_of(service, "sends_mail", "true", message, "Remove it.")
            continue
        if service is not senders[0]:
            message = f"is said by {senders[0].name} already: one service sends all mails."
            yield problem_of(service, "sends_mail", "true", message, "Remove one, and publish an event for the other.")
        for key in MAIL_SETTINGS:
            setting = service.settings.get(key)
            if setting is None or setting.type != "text" or setting.secret:
                message = "is missing, or no plain text, and sends_mail is true."
                fix = f'Write [settings.{key}] with type = "text".'
                yield problem_of(service, f"settings.{key}", "", message, fix)


def _recovery(services: Sequence[Service]) -> Iterator[Problem]:
    replaying = [service for service in services if service.replays_log]
    for service in replaying:
        if service.database is None:
            yield problem_of(service, "replays_log", "true", "is for a service with a database.", "Remove it.")
        elif service is not replaying[0]:
            message = f"is said by {replaying[0].name} already: a restore is rehearsed with one service's image."
            yield problem_of(service, "replays_log", "true", message, "Remove one.")


def _sealing(services: Sequence[Service]) -> Iterator[Problem]:
    for service in services:
        if service.seals_keys and not service.runs_alone:
            message = "is for a service that runs alone: who shares its tasks could use its key."
            yield problem_of(service, "seals_keys", "true", message, "Write runs_alone = true.")


def _circle(by_name: dict[str, Service]) -> list[str] | None:
    """The names along one circle of uses, first name repeated at the end; None when there is none."""
    done: set[str] = set()

    def walk(name: str, trail: list[str]) -> list[str] | None:
        if name in trail:
            return [*trail[trail.index(name) :], name]
        if name in done or name not in by_name:
            return None
        for used in expanded_uses(by_name[name], by_name):
            found = walk(used, [*trail, name])
            if found:
                return found
        done.add(name)
        return None

    for name in by_name:
        found = walk(name, [])
        if found:
            return found
    return None


def expanded_uses(service: Service, by_name: dict[str, Service]) -> list[str]:
    """The names a service uses, `*` resolved to every other api, sorted. An app also uses what signs people in and
    passes its calls on: the pages."""
    names = set(service.uses.services)
    if service.is_app:
        names |= {other.name for other in by_name.values() if other.has_pages and not other.is_app}
    if "*" in names:
        names |= {other.name for other in by_name.values() if other.is_api and other.name != service.name}
    return sorted(names - {"*"})
