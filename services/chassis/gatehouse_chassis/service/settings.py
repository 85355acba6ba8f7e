"""A service's settings: each value, its type, and where it came from.

Read once at the start, from (highest first) the environment, a settings file and the defaults in `service.toml`.
Nothing is coerced silently: a value of the wrong type stops the service, with an error that says where it came from.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.rules import setting_problem
from gatehouse_catalog.structs import Service, Setting, SettingValue, duration_seconds, setting_variable


class Origin(msgspec.Struct, frozen=True):
    """Where a value came from: `file` with its place, `environment`, `secret`, `default`, or `unset`."""

    kind: str
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.place}".strip()


class Resolved(msgspec.Struct, frozen=True):
    """One declared setting with its value here."""

    key: str
    setting: Setting
    value: SettingValue | None
    origin: Origin


class Settings:
    """The declared settings of one service, by key, with one reader a type.

    A reader raises KeyError for a key that `service.toml` doesn't declare, and TypeError for one declared with another
    type: both are bugs in the code, found by the first test that runs it.
    """

    def __init__(self, resolved: Mapping[str, Resolved]) -> None:
        self._resolved = dict(resolved)

    def __iter__(self) -> Any:
        return iter(self._resolved.values())

    def _value(self, key: str, kind: str) -> Any:
        found = self._resolved.get(key)
        if found is None:
            message = f"the setting {key} isn't declared in service.toml"
            raise KeyError(message)
        if found.setting.type != kind:
            message = f"the setting {key} is declared as {found.setting.type}, and read as {kind}"
            raise TypeError(message)
        return found.value

    def text(self, key: str) -> str:
        return self._value(key, "text") or ""

    def integer(self, key: str) -> int:
        return self._value(key, "integer") or 0

    def number(self, key: str) -> float:
        return float(self._value(key, "number") or 0)

    def boolean(self, key: str) -> bool:
        return bool(self._value(key, "boolean"))

    def duration(self, key: str) -> float:
        """Seconds."""
        value = self._value(key, "duration")
        return duration_seconds(value) if value else 0.0

    def url(self, key: str) -> str:
        return self._value(key, "url") or ""

    def list(self, key: str) -> tuple[str, ...]:
        return tuple(self._value(key, "list") or ())


def resolve(entry: Service, environ: Mapping[str, str], root: Path | None = None) -> Settings:
    """The settings of `entry` from `environ`, the file that GATEHOUSE_SETTINGS_FILE names, and the defaults.

    The file is TOML with one table a service. Raises CatalogError with every value that doesn't fit, never showing a
    secret's.
    """
    table, lines, file = _settings_file(entry.name, environ, root)
    problems = [
        Problem(file=file, key=f"{entry.name}.{key}", message="is not a declared setting.", fix=nearest(key, known))
        for known in [list(entry.settings)]
        for key in table
        if key not in entry.settings
    ]
    resolved: dict[str, Resolved] = {}
    for key, setting in entry.settings.items():
        value, origin, problem = _one(entry, key, setting, environ, table, f"{file}:{lines.get(key, 0)}")
        if problem:
            problems.append(problem)
        resolved[key] = Resolved(key, setting, value, origin)
    if problems:
        raise CatalogError(problems)
    return Settings(resolved)


def _one(
    entry: Service, key: str, setting: Setting, environ: Mapping[str, str], table: Mapping[str, Any], place: str
) -> tuple[SettingValue | None, Origin, Problem | None]:
    variable = setting_variable(key, secret=setting.secret)
    if variable in environ:
        origin = Origin("secret" if setting.secret else "environment", "" if setting.secret else variable)
        value = parse(setting, environ[variable])
        where = variable
    elif key in table:
        value, origin, where = table[key], Origin("file", place), place
        if setting.secret and environ.get("GATEHOUSE_ENVIRONMENT", "local") != "local":
            message = "is a secret, and in a file outside the local environment."
            return None, origin, Problem(file=where, key=key, message=message, fix=f"Pass it as {variable}.")
    elif setting.default is not None:
        return setting.default, Origin("default", f"services/{entry.name}/service.toml"), None
    else:
        return None, Origin("unset"), None
    reason = setting_problem(setting, value)
    if reason:
        shown = "(hidden)" if setting.secret else str(value)
        return (
            None,
            origin,
            Problem(file=where, key=f"{entry.name}.{key}", value=shown, message=reason, fix=setting.help),
        )
    return value, origin, None


def parse(setting: Setting, text: str) -> Any:
    """A setting's value from the text of an environment variable; the text itself where it doesn't parse."""
    try:
        match setting.type:
            case "integer":
                return int(text)
            case "number":
                return float(text)
            case "boolean":
                return {"true": True, "false": False}.get(text.lower(), text)
            case "list":
                return [part.strip() for part in text.split(",") if part.strip()]
            case _:
                return text
    except ValueError:
        return text


def _settings_file(
    name: str, environ: Mapping[str, str], root: Path | None
) -> tuple[dict[str, Any], dict[str, int], str]:
    """The service's table in the settings file, the line of each key, and the file's name as given."""
    given = environ.get("GATEHOUSE_SETTINGS_FILE", "")
    if not given:
        return {}, {}, ""
    path = (root or Path.cwd()) / given
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text).get(name, {})
    except FileNotFoundError:
        problem = Problem(file=given, message="is named by GATEHOUSE_SETTINGS_FILE and doesn't exist.", fix="Make it.")
        raise CatalogError([problem]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError([Problem(file=given, message=f"is not TOML: {error}.", fix="Fix that line.")]) from None
    if not isinstance(table, dict):
        problem = Problem(file=given, key=name, value=str(table), message="is not a table.", fix=f"Write [{name}].")
        raise CatalogError([problem])
    lines: dict[str, int] = {}
    current = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            current = stripped.strip("[] ").strip("\"'")
        elif current == name and "=" in stripped and not stripped.startswith("#"):
            lines.setdefault(stripped.partition("=")[0].strip().strip("\"'"), number)
    return table, lines, given
