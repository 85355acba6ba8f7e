"""What the service person answers, as far as it is used here. A test compares it with its OpenAPI."""

from msgspec import Struct


class Relationship(Struct, kw_only=True):
    relationship: str


class PersonZone(Struct, kw_only=True):
    time_zone: str | None = None
