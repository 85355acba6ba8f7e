"""Reads YAML fast, and says where it is wrong. Writing stands where the form matters: stack_file.py and records.py.

PyYAML's libyaml loader: a record takes it 0.1 ms, and ruamel.yaml (pure Python here) 1.6 ms; there will be thousands.
"""

from typing import Any, TypeVar

import msgspec
import yaml

from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.load import unknown_keys

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Shape = TypeVar("Shape")


class TextError(CatalogError):
    """A file below stacks/ can't be read; `problems` has each reason."""


def load(text: str, file: str) -> Any:
    """What a YAML text says. Raises TextError naming file and line."""
    try:
        return yaml.load(text, LOADER)  # noqa: S506 - one of the two safe loaders
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise TextError([Problem(file=file, message=f"is not YAML: {reason}.", fix="Fix that line.")]) from None


def convert(raw: Any, shape: type[Shape], file: str, at: str = "") -> Shape:
    """`raw` as a struct. Raises TextError with the key, its value and the nearest right key."""
    try:
        return msgspec.convert(raw, shape)
    except msgspec.ValidationError as error:
        raise TextError(_unknown(raw, shape, file, at) or [_explained(error, file, at)]) from None


def _unknown(raw: Any, shape: Any, file: str, at: str) -> list[Problem]:
    """Misspelt keys. Looked for when something is wrong only: it takes 50 times as long as the conversion."""
    message = "is not a known key."
    return [
        Problem(file=file, key=f"{at}{key}", value=str(value)[:60], message=message, fix=nearest(last, known))
        for key, last, value, known in unknown_keys(raw, shape, "")
    ]


def _explained(error: msgspec.ValidationError, file: str, at: str) -> Problem:
    message, _, place = str(error).partition(" - at `$")
    key = place.rstrip("`").lstrip(".")
    fix = "Put it in quotes." if message.startswith("Expected `str`") else "Correct it."
    return Problem(file=file, key=f"{at}{key}", message=f"{message[:1].lower()}{message[1:]}.", fix=fix)
