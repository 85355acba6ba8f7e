"""Which services share a task: the groups of `gatehouse:groups`, and a group of one for every other service. Pure.

Containers of a task share its network namespace, its role and what ECS may read to start it, so a group is as trusted
as its least trusted member. ECS allows five target groups a service ("Amazon ECS service quotas", and
docs.aws.amazon.com/AmazonECS/latest/developerguide/register-multiple-targetgroups.html), and replaces a task when one
of its containers ends or one of its target groups finds it unhealthy: a group is deployed and rolled back as one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from gatehouse_catalog import Service
from gatehouse_catalog.errors import Problem, nearest
from gatehouse_catalog.rules import FARGATE_MEMORY_MIB
from gatehouse_platform.config.settings import EnvironmentSettings, ServiceChoice, TaskGroupChoice

# Of one ECS service.
MOST_TARGET_GROUPS = 5
# An idle service takes at most 80 MB (docs/figures.md); the rest is for requests, and for Service Connect's proxy.
MIB_PER_SERVICE = 192
NAME = re.compile(r"^[a-z][a-z0-9-]{1,19}$")
# Names that other components of an environment have.
TAKEN = ("collector", "database", "edge", "endpoints", "nights", "probe")


class TaskGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Services whose containers run in one task. One that runs alone is a group of its own name."""

    name: str
    services: tuple[Service, ...]
    cpu: int
    memory: int
    # Tasks.
    least: int
    most: int
    blue_green: bool = False


def task_groups(services: Iterable[Service], settings: EnvironmentSettings) -> tuple[TaskGroup, ...]:
    """The groups in the order in which their first service comes; the settings are valid (`unfit_groups`)."""
    services = list(services)
    of = {member: name for name, choice in settings.groups.items() for member in choice.services}
    made: dict[str, TaskGroup] = {}
    for service in services:
        name = of.get(service.name, service.name)
        if name not in made:
            members = tuple(each for each in services if of.get(each.name, each.name) == name)
            choice = settings.groups.get(name)
            made[name] = _group(name, choice, members, settings) if choice else _alone(service, settings)
    return tuple(made.values())


def group_of(settings: Mapping[str, TaskGroupChoice], service: str) -> str:
    """The name of the ECS service in which a service runs."""
    return next((name for name, choice in settings.items() if service in choice.services), service)


def _group(
    name: str, choice: TaskGroupChoice, members: tuple[Service, ...], settings: EnvironmentSettings
) -> TaskGroup:
    least = max(*(each.scaling.min for each in members), settings.minimum_tasks, 0)
    least = choice.min if choice.min is not None else least
    most = choice.max if choice.max is not None else max(each.scaling.max for each in members)
    cpu = choice.cpu or max(each.compute.cpu for each in members)
    memory = choice.memory or _least_memory(cpu, MIB_PER_SERVICE * len(choice.services))
    return TaskGroup(name=name, services=members, cpu=cpu, memory=memory, least=least, most=max(least, most))


def _alone(service: Service, settings: EnvironmentSettings) -> TaskGroup:
    choice = settings.services.get(service.name, ServiceChoice())
    least = choice.min if choice.min is not None else max(service.scaling.min, settings.minimum_tasks)
    return TaskGroup(
        name=service.name,
        services=(service,),
        cpu=choice.cpu or service.compute.cpu,
        memory=choice.memory or service.compute.memory,
        least=least,
        most=max(least, choice.max or service.scaling.max),
        blue_green=choice.deployment == "blue_green",
    )


def _least_memory(cpu: int, wanted: int) -> int:
    legal = FARGATE_MEMORY_MIB.get(cpu, (wanted,))
    return min((each for each in legal if each >= wanted), default=max(legal))


def unfit_groups(file: str, key: str, settings: EnvironmentSettings, services: Iterable[Service]) -> Iterator[Problem]:
    """What is wrong with the groups of a stack file; `key` is their path in it."""
    known = {service.name: service for service in services}
    first: dict[str, str] = {}
    for name, choice in settings.groups.items():
        path = f"{key}.{name}"
        if not NAME.match(name):
            fix = "Use 2 to 20 small letters, digits and hyphens, a letter first."
            yield Problem(file=file, key=path, message="is no name of a group.", fix=fix)
        if name in known or name in TAKEN:
            message = "is the name of a service." if name in known else "is the name of another part of an environment."
            yield Problem(file=file, key=path, message=message, fix="Choose another, such as what its services share.")
        if len(choice.services) > MOST_TARGET_GROUPS:
            message = f"has more than {MOST_TARGET_GROUPS} services: ECS takes no more target groups for one."
            yield Problem(
                file=file, key=path, value=str(len(choice.services)), message=message, fix="Make two groups of it."
            )
        for member in choice.services:
            yield from _unfit_member(file, path, member, known, first.get(member), settings)
            first.setdefault(member, name)
        yield from _unfit_size(file, path, choice, [known[each] for each in choice.services if each in known])


def _unfit_member(
    file: str, path: str, member: str, known: Mapping[str, Service], other: str | None, settings: EnvironmentSettings
) -> Iterator[Problem]:
    where = f"{path}.services"
    if member not in known:
        yield Problem(file=file, key=where, value=member, message="is no service.", fix=nearest(member, known))
        return
    if other is not None:
        fix = "Remove one: a service has one task."
        yield Problem(file=file, key=where, value=member, message=f"is in {other} already.", fix=fix)
    if known[member].runs_alone:
        message = f"runs alone: services/{member}/service.toml says so (runs_alone)."
        yield Problem(file=file, key=where, value=member, message=message, fix="Remove it; it has tasks of its own.")
    choice = settings.services.get(member, ServiceChoice())
    for own in ("cpu", "memory", "min", "max"):
        if getattr(choice, own) is not None:
            message, fix = f"belongs to its group: {path}.{own}.", "Move it there."
            yield Problem(file=file, key=f"config.gatehouse:services.{member}.{own}", message=message, fix=fix)
    if choice.deployment != "rolling":
        message = "is for a service with tasks of its own: one listener rule moves at a time."
        fix = f"Take it out of {path}.services, or write rolling."
        yield Problem(file=file, key=f"config.gatehouse:services.{member}.deployment", message=message, fix=fix)


def _unfit_size(file: str, path: str, choice: TaskGroupChoice, members: list[Service]) -> Iterator[Problem]:
    cpu = choice.cpu or max((each.compute.cpu for each in members), default=256)
    legal = FARGATE_MEMORY_MIB.get(cpu)
    if legal is None:
        sizes = ", ".join(map(str, FARGATE_MEMORY_MIB))
        yield Problem(file=file, key=f"{path}.cpu", value=str(cpu), message="is no legal cpu.", fix=f"Legal: {sizes}.")
    elif choice.memory is not None and choice.memory not in legal:
        fix = f"Legal: {', '.join(map(str, legal))}."
        message = f"is no legal memory beside {cpu} CPU units."
        yield Problem(file=file, key=f"{path}.memory", value=str(choice.memory), message=message, fix=fix)
    least, most = choice.min, choice.max
    if least is not None and most is not None and most < least:
        message = f"is below min, {least}."
        yield Problem(file=file, key=f"{path}.max", value=str(most), message=message, fix="Raise it.")
