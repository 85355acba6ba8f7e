"""Versions over HTTP: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, sections 8.8 and 13), for rows with a `version`.

A read sends the version, a change must say which version it changes:

    @get("/people/{id:uuid}", operation_id="GetPerson", guards=[signed_in])
    async def get_person(self, request: Request, id: UUID) -> Response[PersonRow]:
        return versioned(await PERSON.get(id), request)                       # ETag; 304 when the caller has it already

    @patch("/people/{id:uuid}", operation_id="ChangePerson", guards=[allow("staff")])
    async def change_person(
        self, id: UUID, data: PersonChange, actor: Actor, if_match: IfMatch = None
    ) -> Response[PersonRow]:
        return versioned(await PERSON.change(id, required_version(if_match), data, by=actor))
"""

import re
from typing import Annotated, Any, Protocol, TypeVar

from litestar import Request, Response
from litestar.params import HeaderParameter

from gatehouse_chassis.base.problems import Invalid, MatchRequired

LONGEST_VERSION = 2**31 - 1
# A proxy that compresses makes a tag weak; the version inside is the same, so W/ is taken too.
TAG = re.compile(r'^(?:W/)?"([0-9]{1,10})"$')

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description='The version that is changed: the ETag of the last read, such as "3"'),
]
"""For a handler that changes something: `if_match: IfMatch = None`, then `required_version(if_match)`."""

NOT_NEEDED = "The version that is changed, if it is to be that one: the ETag of the last read"
OptionalIfMatch = Annotated[str | None, HeaderParameter(name="If-Match", description=NOT_NEEDED)]
"""For what nobody but the caller changes: without one, whatever there is is changed. Its document has no 428."""


class Versioned(Protocol):
    @property
    def version(self) -> int: ...


T = TypeVar("T", bound=Versioned)


def etag(version: int) -> str:
    return f'"{version}"'


def required_version(if_match: str | None) -> int:
    """The version in `If-Match`. MatchRequired (428) without one, Invalid (400) when it isn't one of our tags."""
    if if_match is None or not if_match.strip():
        raise MatchRequired('Send If-Match with the ETag of what you read, such as If-Match: "3".')
    match = TAG.match(if_match.strip())
    version = int(match[1]) if match else 0
    if not 0 < version <= LONGEST_VERSION:
        raise Invalid({"If-Match": 'one ETag as it was sent, such as "3" (with the quotes; no * and no list)'})
    return version


def has_already(request: Request, version: int) -> bool:
    """Whether `If-None-Match` names this version: the caller needn't get it again."""
    # Not request.headers: making that mapping costs more than all the rest here.
    lines = [value for name, value in request.scope["headers"] if name == b"if-none-match"]
    if not lines:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in b",".join(lines).decode("latin-1").split(",")}
    return "*" in tags or etag(version) in tags


def versioned(row: T, request: Request | None = None, *, status_code: int = 200) -> Response[T]:
    """The row with its ETag; with the request of a GET, 304 and no body when the caller has that version."""
    headers = {"ETag": etag(row.version)}
    if request is not None and has_already(request, row.version):
        nothing: Any = None
        return Response(nothing, status_code=304, headers=headers)
    return Response(row, status_code=status_code, headers=headers)


def created(row: T, location: str) -> Response[T]:
    """201 with ETag and Location (the path of what was created)."""
    return Response(row, status_code=201, headers={"ETag": etag(row.version), "Location": location})
