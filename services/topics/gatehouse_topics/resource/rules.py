"""Which technologies a resource may name, where its lengths come from, and what a check says about its link.

Pure functions: no database, no HTTP.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import UNSET

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
