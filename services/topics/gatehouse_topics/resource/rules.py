"""Which technologies a resource may name, where its lengths come from, and what a check says about its link.

Pure functions: no database, no HTTP.
"""

import difflib
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.enumerators import LinkResult, LinkStatus

LENGTHS = ("length_words", "length_minutes", "length_pages")


STATUS_AFTER: Mapping[LinkResult, LinkStatus] = {
    "ok": "active",
    "moved": "moved",
    "gone": "failed",
    "blocked": "blocked",
    "timeout": "unknown",
    "unsafe": "unknown",
}
# A job's failures say that a link is gone where there are so many in a row, over at least so long.
FAILURES, OVER = 3, timedelta(hours=72)


class SeenCheck(Struct, frozen=True):
    """A check that was recorded. `recorded_by`: who looked themselves; none: a job."""

    result: LinkResult
    checked_at: datetime
    recorded_by: UUID | None


def newest_result(checks: Sequence[SeenCheck]) -> LinkResult | None:
    """What the checks of an address say together, the newest first. A site that is down for a night isn't gone."""
    if not checks:
        return None
    newest = checks[0]
    if newest.result != "gone" or newest.recorded_by is not None:
        return newest.result
    failures = list(itertools.takewhile(lambda one: one.result == "gone", checks))
    enough = len(failures) >= FAILURES and newest.checked_at - failures[-1].checked_at >= OVER
    return "gone" if enough else "timeout"


def link_status(newest: LinkResult | None) -> LinkStatus:
    """How a link is, by the newest check of its address."""
    return "unchecked" if newest is None else STATUS_AFTER[newest]


def check_skills(given: Iterable[str], known: Collection[str]) -> None:
    """Raises Invalid naming the technologies that no skill stands for, with the nearest that one does."""
    unknown = [name for name in given if name not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "add it to the skills first"
        raise Invalid({"technologies": f"there is no skill {unknown[0]!r}; {hint}"})


def length_source(given: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Where the lengths come from after a change. `given`: what it gives (UNSET: nothing); `before`: what was there.

    Raises Invalid for a source without a length. A length that is given without a source is stated by whoever gives it.
    """
    after = [before.get(name) if given.get(name, UNSET) is UNSET else given[name] for name in LENGTHS]
    source = given.get("length_source", UNSET)
    if all(length is None for length in after):
        if source is UNSET or source is None:
            return None
        raise Invalid({"length_source": "give a length with it: length_words, length_minutes or length_pages"})
    if source is not UNSET and source is not None:
        return source
    said = any(given.get(name, UNSET) not in (UNSET, before.get(name)) for name in LENGTHS)
    return "stated" if said or source is None else before.get("length_source") or "stated"
