"""Changes the releases in a stack file and nothing else: comments, order, quotes and every other byte stay.

Works on the text by the places that the YAML parser gives, entry by entry; what it wrote is parsed again and compared.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
import yaml

from gatehouse_catalog.errors import Problem
from gatehouse_catalog.releases import Release
from gatehouse_release.yaml_text import LOADER, TextError, load

CONFIG, RELEASES = "config", "gatehouse:releases"
CHOICES = "gatehouse:services"
GROUPS = "gatehouse:groups"
APPROVED_PLANS = "gatehouse:approved_plans"
STEP = "  "
# What every reader of YAML, 1.1 or 1.2, takes for text without quotes.
PLAIN = re.compile(r"^[A-Za-z][\w./:-]*[\w]$")
NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off"}

Pair = tuple[Any, Any]
Edit = tuple[int, int, str]  # from, to, new text


def releases_in(text: str, file: str) -> dict[str, Any]:
    """The raw releases of a stack file by service."""
    content = load(text, file)
    config = content.get(CONFIG) if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise TextError([Problem(file=file, key=CONFIG, message="is missing.", fix="Add it: see stacks/README.md.")])
    return config.get(RELEASES) or {}


def set_releases(text: str, changes: Mapping[str, Release | None], file: str) -> str:
    """The stack file's text with these services' releases; None takes a service out.

    Raises TextError when the file can't be edited safely (no `gatehouse:releases`, or anchors in it).
    """
    wanted = dict(releases_in(text, file))
    for service, release in changes.items():
        wanted.pop(service, None) if release is None else wanted.update({service: _plain(release)})
    return _with_value(text, RELEASES, wanted, file)


def without_choices(text: str, services: Collection[str], file: str) -> str:
    """The stack file's text without these services' own settings, and without them in groups of services. Raises
    TextError as set_releases does."""
    releases_in(text, file)
    config = load(text, file)[CONFIG]
    choices, groups = config.get(CHOICES) or {}, config.get(GROUPS) or {}
    if choices.keys() & services:
        kept = {name: one for name, one in choices.items() if name not in services}
        text = _with_value(text, CHOICES, kept, file)
    smaller = {
        name: {**group, "services": [one for one in group.get("services", ()) if one not in services]}
        for name, group in groups.items()
    }
    wanted = {name: group for name, group in smaller.items() if group["services"]}
    return text if wanted == groups else _with_value(text, GROUPS, wanted, file)


def set_approved_plans(text: str, changes: Mapping[str, str | None], file: str) -> str:
    """The stack file's text with these services' approved plans of db-manager; None takes one out.

    The key is written after the releases when there is none yet. Raises TextError as set_releases does.
    """
    releases_in(text, file)
    before = load(text, file)[CONFIG].get(APPROVED_PLANS)
    wanted = dict(before or {})
    for service, approved in changes.items():
        wanted.pop(service, None) if approved is None else wanted.update({service: approved})
    if wanted == (before or {}):
        return text
    if before is None:
        key, value = _node(text if text.endswith("\n") else text + "\n", RELEASES, file)
        whole = text if text.endswith("\n") else text + "\n"
        place = _line_end(whole, _end(whole, value))
        text = f"{whole[:place]}{' ' * key.start_mark.column}{APPROVED_PLANS}: {{}}\n{whole[place:]}"
    return _with_value(text, APPROVED_PLANS, wanted, file)


def _with_value(text: str, key: str, wanted: dict[str, Any], file: str) -> str:
    """The text with another value of one key of `config`."""
    whole = text if text.endswith("\n") else text + "\n"
    edited = whole
    # From the last place to the first, so that those before stay true.
    for start, end, new in sorted(_edits(whole, _node(whole, key, file), wanted), reverse=True):
        edited = edited[:start] + new + edited[end:]
    edited = edited if whole == text else edited[:-1]
    try:
        kept = load(edited, file)[CONFIG].get(key) == wanted and _without(edited, key, file) == _without(
            text, key, file
        )
    except TextError:
        kept = False
    if not kept:
        message = "can't be edited without changing something else."
        fix = "Write it in plain blocks: no anchors, no tags, no tabs."
        raise TextError([Problem(file=file, key=f"{CONFIG}.{key}", message=message, fix=fix)])
    return edited


def _plain(release: Release) -> dict[str, Any]:
    raw = msgspec.to_builtins(release)
    return {key: value for key, value in raw.items() if value not in (None, "", {})}


def _without(text: str, key: str, file: str) -> Any:
    content = load(text, file)
    content[CONFIG] = {name: value for name, value in content[CONFIG].items() if name != key}
    return content


def _node(text: str, key: str, file: str) -> Pair:
    """The nodes of a key of `config` and of its value."""
    root = yaml.compose(text, LOADER)
    config = next((value for key, value in root.value if key.value == CONFIG), None)
    found = next((pair for pair in config.value if pair[0].value == key), None) if config else None
    if found is None:
        fix = f"Add the line `{key}: {{}}` below config."
        raise TextError([Problem(file=file, key=f"{CONFIG}.{key}", message="is missing.", fix=fix)])
    return found


def _edits(text: str, pair: Pair, wanted: Any) -> Iterator[Edit]:
    """What to replace, by place, so that `pair`'s value becomes `wanted`."""
    key, node = pair
    is_block = isinstance(node, yaml.MappingNode) and not node.flow_style
    if is_block and isinstance(wanted, dict):
        yield from _mapping_edits(text, node, wanted)
        if not wanted:
            colon = text.index(":", key.end_mark.index) + 1
            yield colon, colon, " {}"
    elif isinstance(node, yaml.ScalarNode) and isinstance(wanted, str):
        if node.value != wanted or not node.tag.endswith(":str"):
            yield node.start_mark.index, node.end_mark.index, _scalar(wanted, node.style)
    elif isinstance(wanted, dict) and wanted:
        # From `{}` to a block: what follows on the line (a comment) stays there.
        end = _end(text, node)
        yield key.end_mark.index, end, ":"
        indent = " " * key.start_mark.column + STEP
        yield _line_end(text, end), _line_end(text, end), _block(wanted, indent)
    else:
        yield key.end_mark.index, _end(text, node), ": {}" if isinstance(wanted, dict) else f": {_scalar(wanted)}"


def _mapping_edits(text: str, node: Any, wanted: dict[str, Any]) -> Iterator[Edit]:
    pairs = {key.value: (key, value) for key, value in node.value}
    for name, (key, value) in pairs.items():
        if name in wanted and _unchanged(value, wanted[name]):
            continue
        if name in wanted:
            yield from _edits(text, (key, value), wanted[name])
        else:
            yield _line_start(text, key.start_mark.index), _line_end(text, _end(text, value)), ""
    first, _ = node.value[0]
    new: dict[int, str] = {}
    for name in _in_order(wanted):
        if name not in pairs:
            before = [other for other in _in_order(wanted)[: _in_order(wanted).index(name)] if other in pairs]
            last = pairs[before[-1]] if before else None
            place = _line_end(text, _end(text, last[1])) if last else _above(text, first.start_mark.index)
            new[place] = new.get(place, "") + _block({name: wanted[name]}, " " * first.start_mark.column)
    yield from ((place, place, block) for place, block in new.items())


def _unchanged(node: Any, wanted: Any) -> bool:
    """Whether a number, a list or a mapping in one line says what is wanted; texts and blocks are edited by part."""
    is_block = isinstance(node, yaml.MappingNode) and not node.flow_style
    return not is_block and not isinstance(wanted, str) and yaml.safe_load(yaml.serialize(node)) == wanted


def _in_order(wanted: dict[str, Any]) -> list[str]:
    """Services by name; a release's own keys as the struct has them."""
    fields = list(Release.__struct_fields__)
    return sorted(wanted, key=lambda key: (fields.index(key) if key in fields else len(fields), key))


def _end(text: str, node: Any) -> int:
    """Where a node's last character is; a block's own mark lies after comments and blank lines that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = node.end_mark.index
    return end - 1 if end > node.start_mark.index and text[end - 1] == "\n" else end


def _line_start(text: str, place: int) -> int:
    return text.rfind("\n", 0, place) + 1


def _line_end(text: str, place: int) -> int:
    """After the newline."""
    return text.index("\n", place) + 1


def _above(text: str, place: int) -> int:
    """Above the comments right above a key: they speak of that key."""
    start = _line_start(text, place)
    while start and text[_line_start(text, start - 1) : start].lstrip().startswith("#"):
        start = _line_start(text, start - 1)
    return start


def _block(mapping: dict[str, Any], indent: str) -> str:
    lines = []
    for key in _in_order(mapping):
        value = mapping[key]
        if isinstance(value, dict):
            lines.append(f"{indent}{_scalar(key)}:\n{_block(value, indent + STEP)}")
        else:
            lines.append(f"{indent}{_scalar(key)}: {_scalar(value)}\n")
    return "".join(lines)


def _scalar(value: Any, style: str | None = None) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable() and "'" not in value:
        return f"'{value}'"
    return value if not style and PLAIN.match(value) and value.lower() not in NOT_PLAIN else json.dumps(value)
