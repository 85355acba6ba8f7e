"""Records of promotions as text: one YAML file each below `stacks/releases/<environment>/`, named by a ULID.

New files never conflict, so that many may write at once. Deep parts are written in one line each, so that a person can
read the file; nobody edits it.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from gatehouse_catalog.errors import Problem
from gatehouse_release.model import Record
from gatehouse_release.yaml_text import TextError, convert, load

HEAD = "# Written by `gate promote`. Holds, freezes and verified sets are derived from these files: don't edit them.\n"
PLACE = re.compile(r"^stacks/releases/(?P<environment>[a-z]+)/(?P<id>[0-9A-HJKMNP-TV-Z]{26})\.yaml$")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32, as ULIDs have it
KEY_LENGTH = 16
STEP = "  "
PLAIN = re.compile(r"^[a-z][a-z0-9_-]*$")
NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
OWN = re.compile(r'^(?P<indent>(?:  )*)(?:(?P<item>- )|(?P<key>[a-z][\w-]*|"[^"\\]*"):(?: |$))(?P<value>\S.*)?$')
NOTHING = object()
# A record of a later time must have a seal; before, `gate promote` wrote none.
SEALED_SINCE = datetime(2026, 12, 1, tzinfo=UTC)
# Records written before a kind got its present name are read as that.
FORMER_KINDS = {"release": "lift"}


def new_key() -> str:
    """The random half of a ULID. A request keeps it through all its attempts, so that its record is known again."""
    return "".join(secrets.choice(ALPHABET) for _ in range(KEY_LENGTH))


def next_id(existing: Iterable[str], key: str, now: datetime) -> str:
    """A ULID later than all that exist, even where another machine's clock is ahead: records sort as they came."""
    milliseconds = int(now.timestamp() * 1000)
    latest = max(existing, default="")[:10]
    if latest:
        milliseconds = max(milliseconds, _number(latest) + 1)
    time = "".join(ALPHABET[milliseconds >> shift & 31] for shift in range(45, -1, -5))
    return time + (key or "0" * KEY_LENGTH)


def _number(text: str) -> int:
    number = 0
    for letter in text:
        number = number * 32 + ALPHABET.index(letter)
    return number


def key_of(record_id: str) -> str:
    return record_id[-KEY_LENGTH:]


def one_line(text: str) -> str:
    """What somebody typed, as one line of printable characters."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def render(record: Record) -> str:
    """The record's file. Equal records give equal texts."""
    plain = _plain(record)
    return HEAD + "".join(_lines({**plain, "seal": seal_of(plain)}, "", depth=2))


def seal_of(plain: Mapping[str, Any]) -> str:
    """A digest of all that a record says, so that an edit by hand is noticed.

    It has no key: who may push to main could make a new one. Branch protection is what keeps people from that.
    """
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _plain(record: Record) -> dict[str, Any]:
    raw = msgspec.to_builtins(record, builtin_types=(datetime,))
    return json.loads(json.dumps(raw, default=_time))


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _lines(mapping: dict[str, Any], indent: str, depth: int) -> Iterable[str]:
    for key, value in mapping.items():
        if isinstance(value, dict) and value and depth:
            yield f"{indent}{_scalar(key)}:\n"
            yield from _lines(value, indent + STEP, depth - 1)
        elif isinstance(value, list) and value and not indent:
            yield f"{_scalar(key)}:\n"
            yield from (f"{STEP}- {_scalar(one)}\n" for one in value)
        else:
            yield f"{indent}{_scalar(key)}: {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    """A word as it is, all else as JSON, which is YAML as well."""
    if isinstance(value, str) and PLAIN.match(value) and value not in NOT_PLAIN:
        return value
    return json.dumps(value, ensure_ascii=False)


def _own(text: str) -> dict[str, Any] | None:
    """What a record says, if it stands as we write it: much faster than YAML, and there are thousands."""
    root: dict[str, Any] = {}
    places: list[Any] = [root, None, None]  # the mapping at each depth
    names = ["", "", ""]
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        found = OWN.match(line)
        if not found or (depth := len(found["indent"]) // len(STEP)) > 2:
            return None
        try:
            value = _value(found["value"])
            if found["item"]:
                places[depth - 1].setdefault(names[depth - 1], []).append(value)
                continue
            if depth and places[depth] is None:
                places[depth] = places[depth - 1].setdefault(names[depth - 1], {})
            names[depth], places[depth + 1 :] = _value(found["key"]), [None] * (2 - depth)
            if value is not NOTHING:
                places[depth][names[depth]] = value
        except (ValueError, AttributeError, TypeError, IndexError):
            return None
    return root


def _value(written: str | None) -> Any:
    if written is None:
        return NOTHING
    return written if PLAIN.match(written) and written not in NOT_PLAIN else msgspec.json.decode(written)


@lru_cache(maxsize=20_000)
def parse(path: str, text: str) -> Record:
    """The record in a file's text. Raises TextError naming file and key."""
    place = PLACE.match(path)
    if not place:
        fix = "Remove it, or move it elsewhere."
        raise TextError([Problem(file=path, message="is no record: its name is no ULID with .yaml.", fix=fix)])
    raw = _own(text)
    raw = load(text, path) if raw is None else raw
    if isinstance(raw, dict):
        content = {key: value for key, value in raw.items() if key != "seal"}
        _check_seal(path, place["id"], content, raw.get("seal"))
        raw = {**content, "kind": FORMER_KINDS.get(content.get("kind"), content.get("kind"))}
    record = convert(raw, Record, path)
    for key in ("environment", "id"):
        if getattr(record, key) != place[key]:
            value, fix = str(getattr(record, key)), "Put the file back as it was: git log -p -- FILE."
            raise TextError([Problem(file=path, key=key, value=value, message="isn't that of its path.", fix=fix)])
    return record


def _check_seal(path: str, record_id: str, content: Mapping[str, Any], seal: Any) -> None:
    """Raises TextError when a record isn't as it was written. Records from before seals have none."""
    if seal is None and _number(record_id[:10]) < SEALED_SINCE.timestamp() * 1000:
        return
    if seal != seal_of(content):
        message = "is not what `gate promote` wrote: somebody edited the record."
        fix = "Put the file back as it was: git log -p -- FILE."
        raise TextError([Problem(file=path, key="seal", value=str(seal)[:19], message=message, fix=fix)])
