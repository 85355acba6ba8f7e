"""A lesson: an operation that is unsafe on a busy table, why it is unsafe, and the safe alternative."""

from typing import Any, Literal

import msgspec

# Bytes. A rewrite runs at about 30 MB/s, so queries wait for half a second at most.
SMALL = 16_000_000
How = Literal["done", "warns", "asks", "refused"]


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """`how` db-manager handles it: "done" the safe way; the plan "warns"; it "asks" for approval of this exact plan; or
    it is "refused". `bad` is what you would write by hand, `good` the safe alternative; both have names in braces, for
    which `names` gives examples."""

    operation: str
    how: How
    danger: str
    bad: str
    good: str
    names: dict[str, str] = {}

    @property
    def why(self) -> str:
        """The danger, as the second half of a sentence."""
        first = self.danger.split(" ")[0]
        return self.danger if first != first.capitalize() else self.danger[0].lower() + self.danger[1:]

    def said(self, text: str, names: dict[str, Any]) -> str:
        """`bad` or `good` with names filled in: those given, or else the examples."""
        return text.format(**{**_EXAMPLES, **self.names, **names})


_EXAMPLES = {"table": "person", "full": "person.person", "column": "phone", "version": "1.1.0", "name": "person_known"}


def lesson(how: How, operation: str, danger: str, bad: str, good: str, **names: str) -> Lesson:
    return Lesson(operation=operation, how=how, danger=danger, bad=bad, good=good, names=names)
