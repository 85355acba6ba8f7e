"""Reads `service.toml` files into structs. One invalid file never hides the problems of another."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from gatehouse_catalog.catalog import Catalog
from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.rules import broken_rules
from gatehouse_catalog.structs import Kind, Service, ServiceFile

# Folders below services/ that are libraries, not services.
LIBRARIES = frozenset({"catalog", "chassis"})


def find_root(start: Path | None = None) -> Path:
    """The repository's root: the nearest folder from `start` upwards with pyproject.toml and services/.

    Raises CatalogError when there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "services" / "catalog").is_dir():
            return folder
    raise CatalogError(
        [Problem(file=str(here), message="is not inside a Gatehouse checkout.", fix="Change into one, or use --root.")]
    )


def load_service(folder: Path) -> Service:
    """The entry of one service. Validates the file by itself, not against the others. Raises CatalogError."""
    file = folder / "service.toml"
    label = f"services/{folder.name}/service.toml"
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = f"Write one, or run: gate new service {folder.name} --domain DOMAIN"
        raise CatalogError([Problem(file=label, message="is missing.", fix=fix)]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogError([Problem(file=label, message=f"is not TOML: {error}.", fix="Fix that line.")]) from None
    unknown = list(unknown_keys(raw, ServiceFile, ""))
    if unknown:
        raise CatalogError(
            Problem(file=label, key=key, value=_show(value), message="is not a known key.", fix=nearest(last, known))
            for key, last, value, known in unknown
        )
    try:
        content = msgspec.convert(raw, ServiceFile)
    except msgspec.ValidationError as error:
        raise CatalogError([_explained(label, raw, error)]) from None
    values = {name: getattr(content, name) for name in content.__struct_fields__}
    return Service(folder=folder, **values)


def load_catalog(root: Path) -> Catalog:
    """Every service below `root`/services, validated as a whole.

    Raises CatalogError with all problems of all files.
    """
    problems: list[Problem] = []
    services: list[Service] = []
    for folder in sorted((root / "services").iterdir()):
        if not folder.is_dir() or folder.name in LIBRARIES or folder.name.startswith((".", "_")):
            continue
        try:
            services.append(load_service(folder))
        except CatalogError as error:
            problems.extend(error.problems)
    # A service that couldn't be read would make every service that uses it look invalid too.
    if not problems:
        problems.extend(broken_rules(services))
    if problems:
        raise CatalogError(problems)
    return Catalog(services)


def unknown_keys(raw: Any, shape: Any, path: str) -> Iterator[tuple[str, str, Any, list[str]]]:
    """(dotted key, last part, value, keys known there) of every key in `raw` that `shape` doesn't have."""
    if not isinstance(raw, dict):
        return
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
        for key, value in raw.items():
            if key not in fields:
                yield path + key, key, value, list(fields)
            else:
                yield from unknown_keys(value, fields[key], f"{path}{key}.")
        return
    if hasattr(shape, "__metadata__"):  # of Annotated
        yield from unknown_keys(raw, shape.__origin__, path)
        return
    for inner in getattr(shape, "__args__", ()):
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            if getattr(shape, "__origin__", None) is dict:
                for key, value in raw.items():
                    yield from unknown_keys(value, inner, f"{path}{key}.")
            else:
                yield from unknown_keys(raw, inner, path)


def _explained(label: str, raw: dict[str, Any], error: msgspec.ValidationError) -> Problem:
    """msgspec's message (`Expected ... - at `$.port``) as file, key, value and fix."""
    message, _, place = str(error).partition(" - at `$")
    key = _named(raw, place.rstrip("`").lstrip("."))
    missing = re.match(r"Object missing required field `(.+)`", message)
    if missing:
        full = f"{key}.{missing[1]}" if key else missing[1]
        return Problem(file=label, key=full, message="is missing.", fix="Add it.")
    value: Any = raw
    for part in filter(None, key.split(".")):
        value = value.get(part, "") if isinstance(value, dict) else ""
    if key == "kind":
        known = ", ".join(get_args(Kind))
        return Problem(
            file=label, key=key, value=_show(value), message="is not a kind of service.", fix=f"Known: {known}."
        )
    pattern = re.search(r"matching regex '(.+)'", message)
    fix = f"Write it so that it matches {pattern[1]}." if pattern else "Correct the value."
    text = "has the wrong form." if pattern else message[:1].lower() + message[1:] + "."
    return Problem(file=label, key=key, value=_show(value), message=text, fix=fix)


def _named(raw: dict[str, Any], key: str) -> str:
    """msgspec writes `jobs[...].every` for an entry of any name: the name of the entry that it means."""
    table, any_name, rest = key.partition("[...]")
    for name, value in raw.get(table, {}).items() if any_name else ():
        try:
            msgspec.convert({**raw, table: {name: value}}, ServiceFile)
        except msgspec.ValidationError:
            return f"{table}.{name}{rest}"
    return key


def _show(value: Any) -> str:
    return msgspec.json.encode(value, enc_hook=str).decode()[:80]
