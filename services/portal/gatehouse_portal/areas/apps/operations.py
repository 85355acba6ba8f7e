"""The operations of services that apps may call: operations.json, generated from the services' OpenAPI documents.

What isn't in it isn't passed on: operations that need nobody to be signed in (so all that issue tokens), those that
answer with a secret, and what a service has beside its own path.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

FILE = Path(__file__).with_name("operations.json")


class Operations:
    """`declared`: "METHOD /path/{template}" by service."""

    def __init__(self, declared: Mapping[str, Iterable[str]]) -> None:
        self._templates: dict[tuple[str, str], list[list[str]]] = {}
        for service, operations in declared.items():
            for operation in operations:
                method, _, template = operation.partition(" ")
                self._templates.setdefault((service, method), []).append(template.strip("/").split("/"))

    def address(self, service: str, method: str, rest: str) -> str | None:
        """The address at the service for what an app asks at /bff/`service`/`rest` (decoded); None if it may not."""
        segments = ["api", service, *rest.strip("/").split("/")]
        # A `..` would be resolved on the way and lead to another operation.
        if any(segment in ("", ".", "..") for segment in segments):
            return None
        if not any(_fits(template, segments) for template in self._templates.get((service, method), [])):
            return None
        return "/" + "/".join(quote(segment, safe="") for segment in segments)


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
    )


def read_operations() -> Operations:
    return Operations(msgspec.json.decode(FILE.read_bytes(), type=dict[str, list[str]]))
