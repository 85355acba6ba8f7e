"""What callers send and get about sign-ups."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Sentence, TimeZone
from gatehouse_intake.enumerators import SignUpSource, SignUpState
from gatehouse_intake.form_proof import Puzzle

TypedName = Annotated[str, Meta(min_length=1, max_length=200, description="As the person writes it")]
TypedEmail = Annotated[
    str, Meta(min_length=3, max_length=254, description="An e-mail address", examples=["mara@example.org"])
]


Proof = Annotated[str, Meta(max_length=4_000, description="What the ALTCHA widget made of the form's puzzle")]


class FormOpened(msgspec.Struct, frozen=True):
    """What a form for strangers carries along, and the puzzle that its reader's browser solves meanwhile."""

    form: str
    puzzle: Puzzle


class SignUpForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody sends who wants to learn here.

    Attributes:
        form: what GET /form answered.
        proof: the solution of its puzzle; without one a form is taken once it was open for half a minute.
        website: people don't see this field and leave it empty; programs fill it in.
    """

    form: Annotated[str, Meta(min_length=1, max_length=200)]
    name: TypedName
    email: TypedEmail
    time_zone: TimeZone | None = None
    goal: Sentence | None = None
    website: Annotated[str, Meta(max_length=200)] = ""
    proof: Proof = ""


class Received(msgspec.Struct, frozen=True):
    """The same whoever sent it: it doesn't tell whether an address is known."""

    received: bool


class NewSignUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a door read, in the form that is kept. `problem`: why it can't go on by itself."""

    source: SignUpSource
    external_id: str
    payload_hash: str
    name: str
    email: str | None
    time_zone: str | None = None
    goal: str | None = None
    problem: str | None = None


class SignUp(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who wants to learn here, and how far they are.

    Attributes:
        problem: why it can't go on by itself; null while it goes on.
        twins: how many other sign-ups have nearly the same address.
    """

    id: UUID
    version: int
    source: SignUpSource
    external_id: str
    name: str
    email: str | None
    time_zone: str | None
    goal: str | None
    state: SignUpState
    state_changed_at: datetime
    person_id: UUID | None
    invitation_id: UUID | None
    problem: str | None
    tries: int
    created_at: datetime
    changed_at: datetime
    changed_by: UUID | None


class ListedSignUp(SignUp, frozen=True, kw_only=True):
    """With how many other sign-ups have nearly the same address."""

    twins: int
