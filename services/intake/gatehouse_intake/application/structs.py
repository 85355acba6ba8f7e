"""What callers send and get about those who want to be mentors."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from gatehouse_chassis.base.fields import Sentence, TimeZone, Word
from gatehouse_intake.enumerators import ApplicationState
from gatehouse_intake.sign_up.structs import Proof, TypedEmail, TypedName

Hours = Annotated[int, Meta(ge=1, le=200, description="Hours a month")]


ConsentKind = Literal["code_of_conduct", "data_processing", "public_profile", "newsletter"]
"""What somebody can agree to who applies, as person names it."""


class AgreedConsent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that was shown and agreed to, in this version."""

    kind: ConsentKind
    document_version: Word


class ApplicationForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody sends who wants to be a mentor.

    Attributes:
        form: what GET /form answered.
        consents: which texts of person they agree to; the first two kinds are needed.
        proof: the solution of its puzzle; without one a form is taken once it was open for half a minute.
        website: people don't see this field and leave it empty; programs fill it in.
    """

    form: Annotated[str, Meta(min_length=1, max_length=200)]
    name: TypedName
    email: TypedEmail
    knows: Sentence
    hours_month: Hours
    time_zone: TimeZone | None = None
    why: Sentence | None = None
    consents: Annotated[list[AgreedConsent], Meta(max_length=10)] = []
    website: Annotated[str, Meta(max_length=200)] = ""
    proof: Proof = ""


class ConfirmToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last part of the link in the mail."""

    token: Annotated[str, Meta(min_length=20, max_length=200)]


class ConfirmLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that nobody else has: only its digest is kept. And whom it is for, who is nobody's person yet."""

    name: str
    email: str
    url: str
    expires_at: datetime


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who wants to be a mentor.

    Attributes:
        problem: why their admission can't go on by itself; null while it does.
    """

    id: UUID
    version: int
    name: str
    email: str
    knows: str
    hours_month: int
    time_zone: str | None
    why: str | None
    consents: list[AgreedConsent]
    state: ApplicationState
    state_changed_at: datetime
    mails: int
    mailed_at: datetime
    person_id: UUID | None
    problem: str | None
    created_at: datetime
    changed_at: datetime
    changed_by: UUID | None
