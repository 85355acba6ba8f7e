"""A release: which image of a service, and which image of its database, by digest. Environments and their stack files.

Stack files hold releases, the platform deploys them, and promotions copy them from one environment to the next.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatehouse_catalog.structs import Strict

# In the order in which a release goes through them.
ENVIRONMENTS = ("dev", "test", "staging", "production")

Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$", description="The image index's digest")]
# YAML reads an all-digit tag as a number and 1e10 as a float: a tag begins with a letter.
Tag = Annotated[str, Meta(pattern=r"^[A-Za-z][\w.-]{0,126}$", description="Begins with a letter, as in v2026.11.23")]


class UnitTests(Strict, frozen=True, kw_only=True):
    """What CI's run of a service's unit tests said, of the commit that its images were built from."""

    passed: bool
    summary: Annotated[str, Meta(description="As in 2 failed, 31 passed")] = ""


class Release(Strict, frozen=True, kw_only=True):
    """A service's image and database image, which travel as one."""

    tag: Tag
    digest: Digest
    database_digest: Digest | None = None
    commit: str = ""
    built_at: str = ""
    collections: dict[str, str] = msgspec.field(default_factory=dict)
    # None: nobody ran them. A promotion to Test asks.
    unit_tests: UnitTests | None = None
