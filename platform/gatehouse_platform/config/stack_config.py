"""Reads and validates a stack's configuration. A wrong key is refused with its path and the nearest right one.

Accepts what Pulumi passes (objects as JSON text) as well as the content of `stacks/Pulumi.<stack>.yaml`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gatehouse_catalog import Catalog, Service
from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.load import unknown_keys
from gatehouse_catalog.rules import FARGATE_MEMORY_MIB, setting_problem
from gatehouse_catalog.structs import MAIL_CONFIGURATION_SET, MAIL_FROM, MAIL_TOPIC
from gatehouse_platform.config.off_hours import LEAST_AWAKE_MINUTES, awake_utc
from gatehouse_platform.config.settings import (
    FOUNDATION,
    LEAN,
    STACKS,
    TIERS,
    EnvironmentSettings,
    FoundationSettings,
    ServiceChoice,
    Shutdown,
    Stack,
)
from gatehouse_platform.config.task_groups import unfit_groups

PROJECT = "gatehouse"
# Keys of the AWS provider that stack files may set.
PROVIDER_KEYS = {"aws:region"}
FILE_KEYS = {"config", "secretsprovider", "encryptedkey", "encryptionsalt", "environment"}


class StackError(CatalogError):
    """A stack's configuration is wrong; `problems` has every reason."""


def stack_file(root: Path, name: str) -> Path:
    return root / "stacks" / f"Pulumi.{name}.yaml"


def read_config(root: Path, name: str) -> dict[str, Any]:
    """The `config` of a stack file. Raises StackError naming the file when there is none, or it is no YAML."""
    file = stack_file(root, name)
    try:
        return parse_config(file.read_text(encoding="utf-8"), name)
    except FileNotFoundError:
        known = sorted(path.name.split(".")[1] for path in (root / "stacks").glob("Pulumi.*.yaml"))
        problem = Problem(file=f"stacks/{file.name}", message="doesn't exist.", fix=nearest(name, known))
        raise StackError([problem]) from None


def parse_config(text: str, name: str) -> dict[str, Any]:
    """The `config` in the text of the stack file called `name`."""
    file = f"stacks/Pulumi.{name}.yaml"
    try:
        content = YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        raise StackError([Problem(file=file, message=f"is not YAML: {error}", fix="Fix that line.")]) from None
    unknown = [key for key in content if key not in FILE_KEYS]
    if unknown:
        fix = nearest(unknown[0], FILE_KEYS)
        raise StackError([Problem(file=file, key=unknown[0], message="is not a known key.", fix=fix)])
    return dict(content.get("config") or {})


def releases_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """The releases of a configuration by service, not validated yet."""
    releases = _decoded(config, EnvironmentSettings).get("releases")
    return dict(releases) if isinstance(releases, Mapping) else {}


def read_stack(name: str, config: Mapping[str, Any], catalog: Catalog, *, former_choices: bool = False) -> Stack:
    """The stack from its configuration by full key (`gatehouse:network`).

    `former_choices`: settings of a service that the environment doesn't have are left out, for a deployment that takes
    it away. Raises StackError with every unknown key, wrong value, and service or setting that the catalog lacks.
    """
    file = f"stacks/Pulumi.{name}.yaml"
    shape = FoundationSettings if name == FOUNDATION else EnvironmentSettings
    problems = []
    if name not in STACKS:
        problems.append(Problem(file=file, value=name, message="is no stack.", fix=nearest(name, STACKS)))
    raw = _decoded(config, shape)
    problems += _unknown(file, config, raw, shape)
    region = config.get("aws:region")
    if not isinstance(region, str):
        problems.append(Problem(file=file, key="aws:region", message="is missing.", fix="Add it."))
    if problems:
        raise StackError(problems)
    try:
        settings = msgspec.convert(_over_tier(raw), shape, strict=False)
    except msgspec.ValidationError as error:
        raise StackError([_explained(file, raw, error)]) from None
    if isinstance(settings, EnvironmentSettings):
        if former_choices:
            chosen = {service: choice for service, choice in settings.services.items() if service in catalog}
            groups = {
                name: msgspec.structs.replace(choice, services=[each for each in choice.services if each in catalog])
                for name, choice in settings.groups.items()
            }
            settings = msgspec.structs.replace(settings, services=chosen, groups=groups)
        problems += _unfit(file, settings, catalog)
    if problems:
        raise StackError(problems)
    return Stack(name=name, region=str(region), settings=settings)


def _decoded(config: Mapping[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    """Our keys without their prefix; objects decoded from the JSON text that Pulumi makes of them."""
    raw = {}
    texts = {field.name for field in msgspec.structs.fields(shape) if _is_text(field.type)}
    for full, value in config.items():
        project, _, key = full.partition(":")
        if project != PROJECT:
            continue
        if isinstance(value, str) and key not in texts:
            try:
                raw[key] = json.loads(value)
            except json.JSONDecodeError:
                raw[key] = value
        else:
            raw[key] = value
    return raw


def _is_text(kind: Any) -> bool:
    return getattr(kind, "__origin__", kind) is str or isinstance(next(iter(getattr(kind, "__args__", ())), None), str)


def _unknown(
    file: str, config: Mapping[str, Any], raw: Mapping[str, Any], shape: type[msgspec.Struct]
) -> Iterator[Problem]:
    ours = {f"{PROJECT}:{field.encode_name}" for field in msgspec.structs.fields(shape)}
    for full, value in config.items():
        if full not in ours | PROVIDER_KEYS and not full.startswith(("pulumi:", f"{PROJECT}:")):
            fix = nearest(full, ours | PROVIDER_KEYS)
            yield Problem(
                file=file, key=f"config.{full}", value=str(value)[:60], message="is not a known key.", fix=fix
            )
    for key, last, value, known in unknown_keys(dict(raw), shape, ""):
        path = f"config.{PROJECT}:{key}"
        yield Problem(
            file=file, key=path, value=str(value)[:60], message="is not a known key.", fix=nearest(last, known)
        )


def _over_tier(raw: dict[str, Any]) -> dict[str, Any]:
    """The file's keys merged over those of its tier; `key: null` removes the tier's value."""

    def over(below: Any, above: Any) -> Any:
        if not isinstance(below, dict) or not isinstance(above, dict):
            return above
        return {
            key: over(below[key], above[key]) if key in below and key in above else {**below, **above}[key]
            for key in {**below, **above}
        }

    tier = str(raw.get("tier"))
    below = TIERS.get(tier, {})
    return over(over(below, LEAN.get(tier, {})) if raw.get("lean") is True else below, raw)


def _explained(file: str, raw: Mapping[str, Any], error: msgspec.ValidationError) -> Problem:
    """msgspec's message (`Expected ... - at `$.network.zones``) as file, key, value and fix."""
    message, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    missing = re.match(r"Object missing required field `(.+)`", message)
    full = ".".join(filter(None, (key, missing[1] if missing else "")))
    path = f"config.{PROJECT}:{full}"
    if missing:
        return Problem(file=file, key=path, message="is missing.", fix="Add it.")
    value: Any = raw
    for part in key.replace("[...]", "").split("."):
        value = value.get(part, "") if isinstance(value, Mapping) else ""
    fix = "Put it in quotes." if "`str`, got `int`" in message else "Correct the value."
    text = f"{message[:1].lower()}{message[1:]}."
    return Problem(file=file, key=path, value=str(value)[:60], message=text, fix=fix)


def _unfit(file: str, settings: EnvironmentSettings, catalog: Catalog) -> Iterator[Problem]:
    """What contradicts the catalog, or another setting."""
    for part in ("services", "releases"):
        for name in getattr(settings, part):
            if name not in catalog:
                key = f"config.{PROJECT}:{part}.{name}"
                yield Problem(file=file, key=key, message="is no service.", fix=nearest(name, catalog.names))
    for name, choice in settings.services.items():
        if name in catalog:
            yield from _unfit_choice(
                file, f"config.{PROJECT}:services.{name}", catalog[name], choice, settings.dns.name
            )
    for name, release in settings.releases.items():
        if name in catalog and (catalog[name].database is None) != (release.database_digest is None):
            key, has = f"config.{PROJECT}:releases.{name}.database_digest", catalog[name].database is not None
            message = "is missing: the service has a database." if has else "is given, and the service has no database."
            yield Problem(file=file, key=key, message=message, fix="Add it." if has else "Remove it.")
    yield from unfit_groups(file, f"config.{PROJECT}:groups", settings, catalog)
    if settings.shutdown is not None:
        yield from _unfit_shutdown(file, settings.shutdown)
    if settings.capacity.on_demand_weight + settings.capacity.spot_weight == 0:
        message = "and on_demand_weight are both 0: no task could be placed."
        yield Problem(file=file, key=f"config.{PROJECT}:capacity.spot_weight", message=message, fix="Raise one.")


def _unfit_shutdown(file: str, shutdown: Shutdown) -> Iterator[Problem]:
    key = f"config.{PROJECT}:shutdown"
    try:
        start, stop = awake_utc(shutdown)
    except (ZoneInfoNotFoundError, ValueError):
        fix = "Write a name of the IANA database, as in Europe/Berlin."
        yield Problem(file=file, key=f"{key}.timezone", value=shutdown.timezone, message="is no time zone.", fix=fix)
        return
    if stop - start < LEAST_AWAKE_MINUTES:
        message = "leaves no room for the database's backup and maintenance windows."
        fix = f"Stop at least {LEAST_AWAKE_MINUTES // 60} hours after the start (5 where clocks change)."
        yield Problem(file=file, key=key, value=f"{shutdown.start} to {shutdown.stop}", message=message, fix=fix)


def _unfit_mail(file: str, path: str, choice: ServiceChoice, domain: str) -> Iterator[Problem]:
    """SES sends for one domain, the environment's."""
    for key in (MAIL_CONFIGURATION_SET, MAIL_TOPIC):
        if key in choice.settings:
            message = "is set by the platform: it makes what it names."
            yield Problem(file=file, key=f"{path}.settings.{key}", message=message, fix="Remove it.")
    address = choice.settings.get(MAIL_FROM)
    if address is not None and not re.fullmatch(r"[A-Za-z0-9._+-]+@([a-z0-9-]+\.)*" + re.escape(domain), str(address)):
        key = f"{path}.settings.{MAIL_FROM}"
        message = f"is no address at {domain}, the only domain that SES sends for here."
        fix = f"Write one such as hello@{domain}, or leave it out."
        yield Problem(file=file, key=key, value=str(address), message=message, fix=fix)


def _unfit_choice(file: str, path: str, service: Service, choice: ServiceChoice, domain: str) -> Iterator[Problem]:
    for kind, given in (("settings", choice.settings), ("secrets", choice.secrets)):
        known = [key for key, setting in service.settings.items() if setting.secret == (kind == "secrets")]
        for key in given:
            if key not in known:
                message = f"is not one of the {kind} of {service.name}."
                yield Problem(file=file, key=f"{path}.{kind}.{key}", message=message, fix=nearest(key, known))
    for key, value in choice.settings.items():
        if key in service.settings and (reason := setting_problem(service.settings[key], value)):
            fix = service.settings[key].help
            yield Problem(file=file, key=f"{path}.settings.{key}", value=str(value), message=reason, fix=fix)
    if service.sends_mail:
        yield from _unfit_mail(file, path, choice, domain)
    cpu, memory = choice.cpu or service.compute.cpu, choice.memory or service.compute.memory
    if memory not in FARGATE_MEMORY_MIB.get(cpu, ()):
        legal = ", ".join(map(str, FARGATE_MEMORY_MIB.get(cpu, FARGATE_MEMORY_MIB)))
        what = "memory beside that cpu" if cpu in FARGATE_MEMORY_MIB else "cpu"
        value = f"{cpu} CPU units, {memory} MiB"
        yield Problem(file=file, key=path, value=value, message=f"is no legal {what}.", fix=f"Legal: {legal}.")
