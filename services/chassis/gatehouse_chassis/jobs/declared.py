"""Ties the jobs of service.toml to their handlers, when the service starts: each has one, and none is left over."""

from collections.abc import Mapping

from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.jobs import ZONE_SETTING, schedule_of
from gatehouse_catalog.structs import Job, setting_variable
from gatehouse_chassis.jobs.structs import DeclaredJob, Handler
from gatehouse_chassis.service.service import ServiceContext

Own = Mapping[str, tuple[Job, Handler]]
"""Jobs of the chassis itself, by name: in no service.toml."""


def declared_jobs(service: ServiceContext, handlers: Mapping[str, Handler], own: Own) -> dict[str, DeclaredJob]:
    """Raises CatalogError for a job without a handler, a handler without a job, a name of the chassis's own jobs, and
    a zone that nobody knows."""
    problems = [*_problems(service, handlers, own)]
    if problems:
        raise CatalogError(problems)
    jobs = {**{name: (job, handlers[name]) for name, job in service.entry.jobs.items()}, **own}
    zone = next((one.value for one in service.settings if one.key == ZONE_SETTING), "")
    try:
        return {
            name: DeclaredJob(handler=handler, schedule=schedule_of(job, str(zone or "")), help=job.help)
            for name, (job, handler) in jobs.items()
        }
    except ValueError as error:
        variable = setting_variable(ZONE_SETTING, secret=False)
        fix = "Write an IANA name, such as Europe/Berlin."
        raise CatalogError([Problem(file="environment", key=variable, message=f"{error}.", fix=fix)]) from None


def _problems(service: ServiceContext, handlers: Mapping[str, Handler], own: Own) -> list[Problem]:
    declared, file = service.entry.jobs, f"services/{service.name}/service.toml"
    found = []
    for name in declared:
        if name in own:
            message, fix = "is a job of the chassis.", "Choose another name."
        elif name not in handlers:
            message = "has no handler."
            fix = f'Pass create_app one: jobs={{"{name}": ...}}. {nearest(name, set(handlers) - set(declared))}'.strip()
        else:
            continue
        found.append(Problem(file=file, key=f"jobs.{name}", message=message, fix=fix))
    for name in sorted(set(handlers) - set(declared)):
        message = "is missing, and create_app got a handler of this name."
        fix = f"Add [jobs.{name}]. {nearest(name, declared)}".strip()
        found.append(Problem(file=file, key=f"jobs.{name}", message=message, fix=fix))
    return found
