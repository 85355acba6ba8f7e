"""What callers send and get about checks of a resource's address."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from gatehouse_chassis.base.fields import Moment, Sentence, Url
from gatehouse_topics.enumerators import LinkResult
from gatehouse_topics.resource.structs import ResourceRow


class NewLinkCheck(Struct, kw_only=True, forbid_unknown_fields=True):
    """Of the address that the resource has now. `checked_at`: now, unless given; `final_url`: where it led."""

    result: LinkResult
    http_status: Annotated[int, Meta(ge=100, le=999)] | None = None
    final_url: Url | None = None
    milliseconds: Annotated[int, Meta(ge=0, le=600_000)] | None = None
    note: Sentence | None = None
    checked_at: Moment | None = None


class LinkCheckRow(Struct, kw_only=True):
    """`withdrawn_at`: when it was taken back as a mistake; it counts no more."""

    id: UUID
    resource_id: UUID
    url: str
    checked_at: datetime
    result: LinkResult
    http_status: int | None
    final_url: str | None
    milliseconds: int | None
    note: str | None
    recorded_at: datetime
    recorded_by: UUID | None
    withdrawn_at: datetime | None


class ResourceAfterCheck(ResourceRow, kw_only=True):
    """The resource as the newest check of its address says; `check_id`: the check that was recorded."""

    check_id: UUID
