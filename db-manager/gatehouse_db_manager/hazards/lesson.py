"""What a lesson is: an operation that is unsafe on a busy table, why, and the safe way."""

from typing import Any, Literal

import msgspec

How = Literal["done", "warns", "asks", "refused"]


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """`how`: "done" the safe way by db-manager itself; a plan "warns" of it; it "asks" for an approval of the very plan
    first; or it is "refused". `bad` is what one would write by hand, `good` the safe way; names are in braces, `names`
    are examples.
    """

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
        """`bad` or `good` about what is at hand, or about the examples."""
        return text.format(**{**_EXAMPLES, **self.names, **names})


_EXAMPLES = {"table": "person", "full": "person.person", "column": "phone", "version": "1.1.0", "name": "person_known"}


def lesson(how: How, operation: str, danger: str, bad: str, good: str, **names: str) -> Lesson:
    return Lesson(operation=operation, how=how, danger=danger, bad=bad, good=good, names=names)
