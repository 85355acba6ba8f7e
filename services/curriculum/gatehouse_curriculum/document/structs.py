"""What callers send and get about the prose of a plan."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

MOST_LETTERS = 20_000

PlanProse = Annotated[str, Meta(max_length=MOST_LETTERS, pattern=r"^[^\x00]*$")]


class DocumentRow(Struct, kw_only=True, frozen=True):
    """`state`: as it was put together last, of all changes up to `rebuilt_seq`; `seq`: the last change."""

    id: UUID
    curriculum_id: UUID
    state: bytes | None
    size: int
    seq: int
    rebuilt_seq: int
    rebuilt_at: datetime


class UpdateRow(Struct, frozen=True):
    seq: int
    content: bytes


class PlanText(Struct, frozen=True):
    """`digest`: what a change of it names, so that nothing is overwritten that its writer hasn't seen."""

    text: str
    digest: str


class PlanTexts(Struct, frozen=True):
    """Goals, notes, and `reason:` with an assignment's id: why it is in the plan. Only those with something in them."""

    texts: dict[str, PlanText]


class WriteText(Struct, kw_only=True, forbid_unknown_fields=True):
    """`seen`: the digest of the text that it was written over; empty where there was none."""

    text: PlanProse
    seen: Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]*$")] = ""
