"""Problems: the file, the key, the value, what is wrong and how to fix it."""

import difflib
from collections.abc import Iterable

import msgspec


class Fixable(msgspec.Struct, frozen=True, kw_only=True):
    """A base for problems with a fix. In JSON, `mend` repeats `fix` under its former name for one more version."""

    fix: str
    mend: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "mend", self.fix)


class Problem(Fixable, frozen=True, kw_only=True):
    file: str
    message: str
    key: str = ""
    value: str = ""
    fix: str = ""

    def __str__(self) -> str:
        where = self.file + (f": {self.key}" if self.key else "") + (f" = {self.value}" if self.value else "")
        return f"{where}: {self.message}" + (f" {self.fix}" if self.fix else "")


class CatalogError(Exception):
    """The catalog is invalid; `problems` lists every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint such as `Did you mean "person"?`, or the list of known words."""
    options = sorted(known)
    close = difflib.get_close_matches(word, options, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(options)}." if options else ""
