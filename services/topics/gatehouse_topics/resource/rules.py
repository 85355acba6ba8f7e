"""Which technologies a resource may name. Pure functions: no database, no HTTP."""

import difflib
from collections.abc import Collection, Iterable

from gatehouse_chassis.base.problems import Invalid


def check_skills(given: Iterable[str], known: Collection[str]) -> None:
    """Raises Invalid naming the technologies that no skill stands for, with the nearest that one does."""
    unknown = [name for name in given if name not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "add it to the skills first"
        raise Invalid({"technologies": f"there is no skill {unknown[0]!r}; {hint}"})
