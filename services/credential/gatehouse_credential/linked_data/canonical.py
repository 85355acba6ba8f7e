"""RDFC-1.0 (https://www.w3.org/TR/rdf-canon/): the same names for blank nodes, and the same order, whoever writes it.

Datasets can be made whose blank nodes take longer than the universe to tell apart. The work is counted, and a dataset
that takes more than `most` steps is refused; a certificate takes some hundred.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import permutations

from gatehouse_credential.linked_data.dataset import Literal, Quad, line_of
from gatehouse_credential.linked_data.errors import TooComplex

MOST_STEPS = 50_000
"""Hashes and orders that are tried; about 5 us each."""


class Canonical:
    """Of a dataset: `text`, its canonical N-Quads, and `names`, what each of its blank nodes is called there."""

    def __init__(self, quads: Iterable[Quad], *, most: int = MOST_STEPS) -> None:
        self._left = most
        self._quads = list(dict.fromkeys(quads))
        self._of: dict[str, list[Quad]] = defaultdict(list)
        for quad in self._quads:
            for name in dict.fromkeys(_blank_nodes(quad)):
                self._of[name].append(quad)
        self._first: dict[str, str] = {}
        self._issued = _Issuer("_:c14n")
        self._name_all()
        self.names = dict(self._issued.names)
        self.text = "".join(sorted(line_of(_renamed(quad, self.names)) for quad in self._quads))

    def _name_all(self) -> None:
        by_hash: dict[str, list[str]] = defaultdict(list)
        for name in self._of:
            self._first[name] = self._first_degree(name)
            by_hash[self._first[name]].append(name)
        for _, names in sorted(one for one in by_hash.items() if len(one[1]) == 1):
            self._issued.issue(names[0])
        for _, names in sorted(one for one in by_hash.items() if len(one[1]) > 1):
            found: list[tuple[str, _Issuer]] = []
            for name in names:
                if name not in self._issued.names:
                    issuer = _Issuer("_:b")
                    issuer.issue(name)
                    found.append(self._n_degree(name, issuer))
            for _, issuer in sorted(found, key=lambda one: one[0]):
                for name in issuer.names:
                    self._issued.issue(name)

    def _first_degree(self, name: str) -> str:
        self._count()
        names = defaultdict(lambda: "_:z", {name: "_:a"})
        return _hash("".join(sorted(line_of(_renamed(quad, names)) for quad in self._of[name])))

    def _n_degree(self, name: str, issuer: "_Issuer", depth: int = 0) -> tuple[str, "_Issuer"]:
        """The hash of a blank node by all that is around it, and the names that were given on the way."""
        if depth > 100:
            raise TooComplex("Its unnamed objects lie too far from each other.")
        related: dict[str, list[str]] = defaultdict(list)
        for quad in self._of[name]:
            for position, other in _others(quad, name):
                related[self._related(other, quad, issuer, position)].append(other)
        data = ""
        for key, names in sorted(related.items()):
            data += key
            path, issuer = self._best_path(names, issuer, depth)
            data += path
        return _hash(data), issuer

    def _best_path(self, names: list[str], issuer: "_Issuer", depth: int) -> tuple[str, "_Issuer"]:
        chosen, chosen_issuer = "", issuer
        for order in permutations(names):
            self._count()
            tried = self._path(order, issuer, chosen, depth)
            if tried is not None and (not chosen or tried[0] < chosen):
                chosen, chosen_issuer = tried
        return chosen, chosen_issuer

    def _path(self, order: tuple[str, ...], issuer: "_Issuer", best: str, depth: int) -> tuple[str, "_Issuer"] | None:
        """None as soon as it is worse than the best one."""
        issuer = issuer.copy()
        path, recursion = "", []
        for name in order:
            if name in self._issued.names:
                path += self._issued.names[name]
            else:
                if name not in issuer.names:
                    recursion.append(name)
                path += issuer.issue(name)
            if best and len(path) >= len(best) and path > best:
                return None
        for name in recursion:
            found, following = self._n_degree(name, issuer, depth + 1)
            path += f"{issuer.issue(name)}<{found}>"
            issuer = following
            if best and len(path) >= len(best) and path > best:
                return None
        return path, issuer

    def _related(self, other: str, quad: Quad, issuer: "_Issuer", position: str) -> str:
        self._count()
        given = self._issued.names.get(other) or issuer.names.get(other)
        name = given or self._first[other]
        predicate = "" if position == "g" else f"<{quad.predicate}>"
        return _hash(f"{position}{predicate}{name}")

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise TooComplex("Its unnamed objects can't be told apart in a reasonable time.")


class _Issuer:
    """Gives names in the order in which it is asked; `names` keeps that order."""

    def __init__(self, prefix: str, names: dict[str, str] | None = None) -> None:
        self._prefix = prefix
        self.names = names or {}

    def issue(self, name: str) -> str:
        return self.names.setdefault(name, f"{self._prefix}{len(self.names)}")

    def copy(self) -> "_Issuer":
        return _Issuer(self._prefix, dict(self.names))


def _blank_nodes(quad: Quad) -> Iterator[str]:
    return (
        part
        for part in (quad.subject, quad.object, quad.graph)
        if not isinstance(part, Literal) and part.startswith("_:")
    )


def _others(quad: Quad, name: str) -> Iterator[tuple[str, str]]:
    """The other blank nodes of a quad, each with its position."""
    for position, part in (("s", quad.subject), ("o", quad.object), ("g", quad.graph)):
        if not isinstance(part, Literal) and part.startswith("_:") and part != name:
            yield position, part


def _renamed(quad: Quad, names: dict[str, str]) -> Quad:
    def new(part: str) -> str:
        return names[part] if part.startswith("_:") else part

    said = quad.object if isinstance(quad.object, Literal) else new(quad.object)
    return Quad(new(quad.subject), quad.predicate, said, new(quad.graph) if quad.graph else "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
