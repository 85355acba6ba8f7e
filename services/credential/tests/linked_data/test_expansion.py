"""JSON-LD is read strictly: nothing of a document is left out of what is signed, and nothing takes forever."""

from typing import Any

import pytest

from gatehouse_credential.linked_data.errors import TooComplex, Unreadable
from gatehouse_credential.linked_data.expansion import expand
from gatehouse_credential.linked_data.pinned import CREDENTIALS, OPEN_BADGES, pinned
from gatehouse_credential.proof.data_integrity import canonical_text

V = {"@vocab": "urn:v:"}
CREDENTIAL = {"@context": [CREDENTIALS], "type": ["VerifiableCredential"]}


def lines(document: Any) -> list[str]:
    return canonical_text(document).splitlines()


@pytest.mark.parametrize(
    ("context", "document", "expected"),
    [
        (V, {"@id": "urn:s", "a": "x"}, ['<urn:s> <urn:v:a> "x" .']),
        (V, {"@id": "urn:s", "a": ["x", "x", None]}, ['<urn:s> <urn:v:a> "x" .']),
        ({**V, "@language": "de"}, {"@id": "urn:s", "a": "x"}, ['<urn:s> <urn:v:a> "x"@de .']),
        ({**V, "@language": "de", "a": {"@language": None}}, {"@id": "urn:s", "a": "x"}, ['<urn:s> <urn:v:a> "x" .']),
        (
            {"ex": "urn:x:", "a": {"@id": "ex:a", "@type": "@id"}},
            {"@id": "urn:s", "a": "ex:o"},
            ["<urn:s> <urn:x:a> <urn:x:o> ."],
        ),
        (
            {"a": {"@id": "urn:a", "@type": "urn:date"}},
            {"@id": "urn:s", "a": "1"},
            ['<urn:s> <urn:a> "1"^^<urn:date> .'],
        ),
        (
            {"a": {"@id": "urn:a", "@container": "@language"}},
            {"@id": "urn:s", "a": {"en": "x"}},
            ['<urn:s> <urn:a> "x"@en .'],
        ),
        (
            {"a": {"@id": "urn:a", "@container": "@index"}},
            {"@id": "urn:s", "a": {"one": "x"}},
            ['<urn:s> <urn:a> "x" .'],
        ),
        (
            {"a": {"@id": "urn:a", "@type": "@json"}},
            {"@id": "urn:s", "a": {"b": 1.0, "a": [True]}},
            ['<urn:s> <urn:a> "{\\"a\\":[true],\\"b\\":1}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON> .'],
        ),
        (V, {"@id": "urn:s", "a": 5.0}, ['<urn:s> <urn:v:a> "5"^^<http://www.w3.org/2001/XMLSchema#integer> .']),
        (V, {"@id": "urn:s", "a": 0.5}, ['<urn:s> <urn:v:a> "5.0E-1"^^<http://www.w3.org/2001/XMLSchema#double> .']),
        (V, {"@id": "urn:s", "a": True}, ['<urn:s> <urn:v:a> "true"^^<http://www.w3.org/2001/XMLSchema#boolean> .']),
        (
            {"@vocab": "urn:v:", "T": {"@id": "urn:T", "@context": {"a": "urn:other"}}},
            {"@id": "urn:s", "@type": "T", "a": "x", "b": {"@id": "urn:o", "a": "y"}},
            [
                '<urn:o> <urn:v:a> "y" .',
                "<urn:s> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:T> .",
                '<urn:s> <urn:other> "x" .',
                "<urn:s> <urn:v:b> <urn:o> .",
            ],
        ),
        (
            {"b": {"@id": "urn:b", "@context": {"a": "urn:below"}}},
            {"@id": "urn:s", "b": {"@id": "urn:o", "a": "y"}},
            ['<urn:o> <urn:below> "y" .', "<urn:s> <urn:b> <urn:o> ."],
        ),
    ],
)
def test_what_a_document_says(context: Any, document: Any, expected: list[str]) -> None:
    assert lines({"@context": context, **document}) == expected


def test_a_list_keeps_its_order_and_a_graph_its_name() -> None:
    context = {"a": {"@id": "urn:a", "@container": "@list"}, "g": {"@id": "urn:g", "@container": "@graph"}}
    found = lines({"@context": context, "@id": "urn:s", "a": ["x", "y"], "g": {"@id": "urn:o", "a": []}})
    assert len(found) == 7
    assert sum(" _:" in line and line.count("_:") == 1 and "urn:o" in line for line in found) == 1


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"@context": [CREDENTIALS], "hidden": "x"}, "hidden"),
        ({**CREDENTIAL, "credentialSubject": {"hidden": 1}}, "hidden"),
        ({"@context": [CREDENTIALS], "type": ["NoSuchType"]}, "NoSuchType"),
        ({**CREDENTIAL, "issuer": "relative/address"}, "relative/address"),
        ({"@context": [CREDENTIALS, {"name": "urn:other"}], "name": "x"}, "protected"),
        ({"@context": ["https://elsewhere.example/context"], "name": "x"}, "elsewhere.example"),
        ({"@context": {"@import": CREDENTIALS}}, "@import"),
        ({"@context": {"a": {"@reverse": "urn:a"}}}, "@reverse"),
        ({"@context": {"a": "b:x", "b": "a:x"}, "a": 1}, "defined by itself"),
        ({"@context": {**{f"t{n}": f"t{n + 1}:x" for n in range(500)}}, "t0": 1}, "chain of more than"),
        ({"@context": V, "a": {"@value": "x", "@direction": "rtl"}}, "@direction"),
        ({"@context": V, "a": {"@value": {}}}, "a text, a number"),
        ({"@context": V, "a": {"@value": "x", "b": 1}}, "beside it"),
        ({"@context": V, "a": {"@list": [1], "b": 1}}, "beside it"),
        ({"@context": 5}, "address, an object or null"),
        ("text", "an object belongs"),
        ([1], "an object belongs"),
    ],
)
def test_what_would_not_be_signed_is_refused(document: Any, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        canonical_text(document)


def test_an_object_too_deep_and_a_document_too_large_are_refused() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = {"urn:a": deep}
    with pytest.raises(Unreadable, match="more than 64 deep"):
        expand(deep, pinned)
    with pytest.raises(TooComplex, match="10,000"):
        canonical_text({"@context": V, "@id": "urn:s", "a": [str(number) for number in range(10_001)]})


def test_every_pinned_context_can_be_read() -> None:
    assert lines({"@context": [CREDENTIALS, OPEN_BADGES], "id": "urn:s", "type": ["OpenBadgeCredential"]})
