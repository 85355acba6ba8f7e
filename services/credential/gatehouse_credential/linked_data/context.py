"""The context processing of JSON-LD 1.1 (https://www.w3.org/TR/json-ld11-api/#context-processing-algorithm).

Strict: what the algorithm would pass over, or what credentials don't use (@import, @nest, @reverse, @base), is refused,
so that nothing of a document can be left out of what is signed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gatehouse_credential.linked_data.errors import Unreadable

DEEPEST = 32
"""Contexts within contexts."""
MOST_TERMS = 2_000
KEYWORDS = frozenset(
    {
        *("@base", "@container", "@context", "@direction", "@graph", "@id", "@import", "@included", "@index", "@json"),
        *("@language", "@list", "@nest", "@none", "@prefix", "@propagate", "@protected", "@reverse", "@set", "@type"),
        *("@value", "@version", "@vocab"),
    }
)
_LIKE_KEYWORD = re.compile(r"@[A-Za-z]+")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]*")
_CONTAINERS = frozenset({"@list", "@set", "@language", "@index", "@graph", "@id", "@type"})
_DEFINITION = frozenset(
    {"@id", "@type", "@container", "@context", "@language", "@direction", "@prefix", "@protected", "@index"}
)
_NONE: Any = object()


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What a term stands for.

    Attributes:
        context: The context that holds below it; `has_context` tells one of null from none.
        language: The language of texts; `has_language` tells null from none.
    """

    iri: str | None
    type: str | None = None
    container: frozenset[str] = frozenset()
    context: Any = None
    has_context: bool = False
    language: str | None = None
    has_language: bool = False
    prefix: bool = False
    protected: bool = False

    def same_but_protected(self, other: "Term") -> bool:
        return msgspec.structs.replace(self, protected=True) == msgspec.structs.replace(other, protected=True)


class ActiveContext(msgspec.Struct, frozen=True, kw_only=True):
    """What terms mean at a place. `previous`: the one that holds again in the next node, after a type's own context."""

    terms: Mapping[str, Term] = {}
    vocab: str | None = None
    language: str | None = None
    previous: "ActiveContext | None" = None


class Processor:
    """Reads contexts. `load`: the value of `@context` at an address; raises Unreadable for one that isn't known."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load

    def process(
        self, active: ActiveContext, local: Any, *, propagate: bool = True, override: bool = False, depth: int = 0
    ) -> ActiveContext:
        """`override`: terms that are protected may be replaced, as below a property that has a context of its own."""
        if depth > DEEPEST:
            raise Unreadable(f"Contexts lie in contexts more than {DEEPEST} deep.")
        if isinstance(local, dict) and isinstance(local.get("@propagate"), bool):
            propagate = local["@propagate"]
        result = active
        if not propagate and result.previous is None:
            result = msgspec.structs.replace(result, previous=active)
        for one in local if isinstance(local, list) else [local]:
            match one:
                case None:
                    result = self._emptied(active, result, propagate=propagate, override=override)
                case str():
                    result = self.process(result, self._load(one), override=override, depth=depth + 1)
                case dict():
                    result = _Definitions(self, result, one, override=override, depth=depth).all()
                case _:
                    raise Unreadable("A context is an address, an object or null.")
        return result

    def _emptied(
        self, active: ActiveContext, result: ActiveContext, *, propagate: bool, override: bool
    ) -> ActiveContext:
        if not override and any(term.protected for term in result.terms.values()):
            raise Unreadable("A context of null would take protected terms away.")
        return ActiveContext(previous=None if propagate else active)


class _Definitions:
    """The definitions of one local context, made in the order in which they need each other."""

    def __init__(
        self, processor: Processor, active: ActiveContext, local: dict[str, Any], *, override: bool, depth: int
    ) -> None:
        self._processor, self._local = processor, local
        self._override, self._depth = override, depth
        self._before = active.terms
        self._terms = dict(active.terms)
        self._active = active
        self._vocab, self._language = active.vocab, active.language
        self._defined: dict[str, bool] = {}
        self._nesting = 0

    def all(self) -> ActiveContext:
        self._refuse_unknown()
        if "@vocab" in self._local:
            self._vocab = self._vocabulary(self._local["@vocab"])
        if "@language" in self._local:
            self._language = language_of(self._local["@language"])
        for name in self._local:
            if name not in KEYWORDS:
                self.define(name)
        if len(self._terms) > MOST_TERMS:
            raise Unreadable(f"Its contexts define more than {MOST_TERMS} terms.")
        return msgspec.structs.replace(self._active, terms=self._terms, vocab=self._vocab, language=self._language)

    def define(self, name: str) -> None:
        done = self._defined.get(name)
        if done is True:
            return
        if done is False:
            raise Unreadable(f"The term {name[:100]} is defined by itself.")
        if not name or _LIKE_KEYWORD.fullmatch(name):
            raise Unreadable(f"{name[:100] or 'The empty text'} can't be a term.")
        if self._nesting > DEEPEST:
            raise Unreadable(f"The term {name[:100]} is defined by a chain of more than {DEEPEST} others.")
        self._defined[name] = False
        self._nesting += 1
        given = self._local[name]
        previous = self._terms.pop(name, None)
        term = self._term(name, given)
        self._nesting -= 1
        if previous is not None and previous.protected and not self._override:
            if not previous.same_but_protected(term):
                raise Unreadable(f"The term {name[:100]} is protected and can't be given another meaning.")
            term = previous
        self._terms[name] = term
        self._defined[name] = True

    def expand(self, value: str, *, vocab: bool = True) -> str:
        """An IRI or keyword, where the context knows what it is; otherwise the value as it is."""
        if value in KEYWORDS:
            return value
        if value in self._local and self._defined.get(value) is not True:
            self.define(value)
        prefix, colon, _ = value.partition(":")
        if colon and prefix in self._local and self._defined.get(prefix) is not True and prefix not in KEYWORDS:
            self.define(prefix)
        return expanded(value, self._terms, self._vocab if vocab else None, by_term=vocab)

    def _refuse_unknown(self) -> None:
        for name, value in self._local.items():
            if name in ("@version", "@propagate", "@protected", "@vocab", "@language"):
                continue
            if name == "@base" and value is None:
                continue
            if name.startswith("@"):
                raise Unreadable(f"A context with {name[:100]} isn't taken here.")
        if self._local.get("@version", 1.1) != 1.1:
            raise Unreadable("A context's @version is 1.1.")
        if not isinstance(self._local.get("@protected", False), bool):
            raise Unreadable("A context's @protected is true or false.")
        if not isinstance(self._local.get("@propagate", False), bool):
            raise Unreadable("A context's @propagate is true or false.")

    def _vocabulary(self, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or not is_absolute(iri := self.expand(value)):
            raise Unreadable("A context's @vocab is an absolute IRI or null.")
        return iri

    def _term(self, name: str, given: Any) -> Term:
        protected = bool(self._local.get("@protected", False))
        if given is None or given == {"@id": None}:
            return Term(iri=None, protected=protected)
        if isinstance(given, str):
            given = {"@id": given}
        elif not isinstance(given, dict):
            raise Unreadable(f"The term {name[:100]} is defined by neither a text nor an object.")
        unknown = [key for key in given if key not in _DEFINITION]
        if unknown:
            raise Unreadable(f"The term {name[:100]} is defined with {unknown[0][:100]}, which isn't taken here.")
        iri, simple = self._iri(name, given)
        if "@index" in given or given.get("@direction") is not None:
            raise Unreadable(f"The term {name[:100]} is defined with @index or @direction, which isn't taken here.")
        term = Term(
            iri=iri,
            type=self._type(name, given),
            container=_container(name, given),
            context=given.get("@context"),
            has_context="@context" in given,
            language=language_of(given["@language"]) if "@language" in given and "@type" not in given else None,
            has_language="@language" in given and "@type" not in given,
            prefix=given["@prefix"] is True if "@prefix" in given else simple,
            protected=bool(given.get("@protected", protected)),
        )
        if term.has_context:  # what it says must be a context, wherever it comes to hold
            self._check_scoped(term)
        return term

    def _check_scoped(self, term: Term) -> None:
        if not isinstance(term.context, str | dict | list | None):
            raise Unreadable("A context is an address, an object or null.")

    def _iri(self, name: str, given: dict[str, Any]) -> tuple[str, bool]:
        """What it stands for, and whether it may be a prefix without saying so."""
        value = given.get("@id", _NONE)
        if value is not _NONE and value != name:
            if not isinstance(value, str):
                raise Unreadable(f"The @id of the term {name[:100]} is no text.")
            iri = self.expand(value)
            if iri == "@context" or (iri not in KEYWORDS and not is_absolute(iri) and not iri.startswith("_:")):
                raise Unreadable(f"The term {name[:100]} stands for {value[:100]}, which is no absolute IRI.")
            return iri, ":" not in name and "/" not in name and set(given) <= {"@id"} and iri[-1:] in ":/?#[]@"
        if ":" in name[1:]:
            return expanded(name, {**self._terms, **self._prefixes(name)}, None), False
        if name == "@type":
            return "@type", False
        if self._vocab is None:
            raise Unreadable(f"The term {name[:100]} stands for nothing: no @id, and no @vocab.")
        return self._vocab + name, False

    def _prefixes(self, name: str) -> Mapping[str, Term]:
        prefix = name.partition(":")[0]
        if prefix in self._local and self._defined.get(prefix) is not True:
            self.define(prefix)
        return {prefix: self._terms[prefix]} if prefix in self._terms else {}

    def _type(self, name: str, given: dict[str, Any]) -> str | None:
        if "@type" not in given:
            return None
        if not isinstance(given["@type"], str):
            raise Unreadable(f"The @type of the term {name[:100]} is no text.")
        kind = self.expand(given["@type"])
        if kind not in ("@id", "@vocab", "@json", "@none") and not is_absolute(kind):
            raise Unreadable(f"The @type of the term {name[:100]} is no absolute IRI.")
        return kind


def expanded(value: str, terms: Mapping[str, Term], vocab: str | None, *, by_term: bool = True) -> str:
    """The IRI or keyword that `value` stands for; itself where it stands for nothing else. `by_term`: terms count."""
    if value in KEYWORDS or _LIKE_KEYWORD.fullmatch(value):
        return value
    if (term := terms.get(value)) is not None and (by_term or term.iri in KEYWORDS):
        return term.iri or ""
    prefix, colon, suffix = value.partition(":")
    if colon and prefix:
        if prefix == "_" or suffix.startswith("//"):
            return value
        if (term := terms.get(prefix)) is not None and term.iri is not None and term.prefix:
            return term.iri + suffix
        if is_absolute(value):
            return value
    return value if vocab is None else vocab + value


def is_absolute(iri: str) -> bool:
    return _ABSOLUTE.fullmatch(iri) is not None


def _container(name: str, given: dict[str, Any]) -> frozenset[str]:
    value = given.get("@container")
    if value is None:
        return frozenset()
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) and part in _CONTAINERS for part in parts):
        raise Unreadable(f"The @container of the term {name[:100]} isn't taken here.")
    return frozenset(parts)


def language_of(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", value)):
        raise Unreadable("A language is a tag such as en-GB, or null.")
    return value
