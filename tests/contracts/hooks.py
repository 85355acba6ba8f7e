"""Hooks of schemathesis: half of the generated requests are about something that exists, in a version it may have.

Random ids only ever reach "there is no such thing"; what lies behind it would never be tested.
"""

import os
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import schemathesis

CHANCE = random.Random(7)
HTTP = httpx.Client(timeout=10)


@cache
def known(collection: str, name: str) -> list[str]:
    """Ids of what is in a collection such as `/api/topics/paths`, or in what holds it, as the caller sees them.

    `name` is the parameter's: where rows have a field of that name (a curriculum's `person_id`), it is the id.
    """
    for address in (collection, collection.rpartition("/")[0]):
        answer = asked(address)
        if answer.status_code == 200:
            return [row.get(name, row["id"]) for row in rows(answer.json()) if "id" in row]
    return []


def rows(found: Any) -> Iterator[dict[str, Any]]:
    lists = found.values() if isinstance(found, dict) else [found]
    for one in lists:
        if isinstance(one, list):
            yield from (row for row in one if isinstance(row, dict))


@schemathesis.hook
def map_case(context: Any, case: Any) -> Any:
    """Half the cases get ids that exist, and most of those the version that is right."""
    path: str = context.operation.path
    given = dict(case.path_parameters or {})
    if given and CHANCE.random() < 0.5:
        for name in sorted(given, key=lambda name: path.index("{" + name)):
            ids = known(path.partition("/{" + name + "}")[0], name)
            if ids:
                given[name] = CHANCE.choice(ids)
            path = path.replace("{" + name + "}", str(given[name]))
        case.path_parameters = given
        if CHANCE.random() < 0.7 and (version := version_of(path)):
            name = "If-None-Match" if context.operation.method == "get" else "If-Match"
            case.headers = {**(case.headers or {}), name: version}
    return case


def version_of(path: str) -> str | None:
    """The ETag of what the path, or the nearest address above it, names."""
    while path.count("/") > 3:
        answer = asked(path)
        if answer.status_code == 200 and "etag" in answer.headers:
            return answer.headers["etag"]
        path = path.rpartition("/")[0]
    return None


def asked(path: str) -> httpx.Response:
    headers = {"Authorization": os.environ["GATEHOUSE_CONTRACTS_AUTHORIZATION"]}
    return HTTP.get(os.environ["GATEHOUSE_CONTRACTS_URL"] + path, headers=headers)
