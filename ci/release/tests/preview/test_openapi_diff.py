"""What breaks a client, and what doesn't: one small document at a time."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_release.preview.openapi_diff import differences

PATH = "/api/person/people"
DOCUMENT: dict[str, Any] = {
    "paths": {
        PATH: {
            "get": {
                "x-gatehouse-allows": ["staff"],
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 200}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/P"}}}}},
            },
            "post": {
                "x-gatehouse-allows": ["staff"],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/P"}}},
                },
                "responses": {"201": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "P": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "maxLength": 200},
                    "status": {"type": "string", "enum": ["pending", "active"]},
                    "mentor": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/P"}]},
                },
            }
        }
    },
}
POST = DOCUMENT["paths"][PATH]["post"]


def changed(**changes: Any) -> dict[str, Any]:
    """The document with parts changed: `get__deprecated=True`, `schema__required=[...]`; None takes a part away."""
    new = copy.deepcopy(DOCUMENT)
    places = {
        "get": new["paths"][PATH]["get"],
        "post": new["paths"][PATH]["post"],
        "path": new["paths"][PATH],
        "limit": new["paths"][PATH]["get"]["parameters"][0],
        "schema": new["components"]["schemas"]["P"],
        **new["components"]["schemas"]["P"]["properties"],
        "properties": new["components"]["schemas"]["P"]["properties"],
    }
    for name, value in changes.items():
        place, key = name.split("__")
        if value is None:
            del places[place][key]
        else:
            places[place][key] = value
    return new


def said(**changes: Any) -> dict[str, set[str]]:
    """Breaking or not -> what is said, without the path."""
    found = differences(DOCUMENT, changed(**changes))
    texts: dict[str, set[str]] = {"breaks": set(), "doesn't": set()}
    for one in found:
        texts["breaks" if one.breaking else "doesn't"].add(f"{one.where.replace(f' {PATH}', '')}: {one.what}")
    return texts


@pytest.mark.parametrize(
    ("changes", "breaks", "does_not"),
    [
        ({"path__get": None}, {"GET: is gone"}, set()),
        ({"path__delete": POST}, set(), {"DELETE: is new"}),
        ({"get__deprecated": True}, set(), {"GET: is deprecated"}),
        ({"get__x-gatehouse-allows": ["admin"]}, {"GET: may be called by admin, not by staff"}, set()),
        ({"get__parameters": []}, {"GET · query limit: is gone"}, set()),
        ({"limit__required": True}, {"GET · query limit: is required now"}, set()),
        (
            {"limit__schema": {"type": "integer", "maximum": 100}},
            {"GET · query limit: maximum is 100, was 200"},
            set(),
        ),
        (
            {"limit__schema": {"type": "integer", "maximum": 500}},
            set(),
            {"GET · query limit: maximum is 500, was 200"},
        ),
        ({"post__requestBody": None}, {"POST · sent: no body is taken any more"}, set()),
        ({"post__responses": {"202": {}}}, {"POST · 201: is gone"}, {"POST · 202: is new"}),
        # The same schema is sent and read: what is free one way breaks the other.
        (
            {"schema__required": ["name", "status"]},
            {"POST · sent.status: is required now"},
            {"GET · 200.status: is required now"},
        ),
        ({"schema__required": []}, {"GET · 200.name: may be absent now"}, {"POST · sent.name: may be absent now"}),
        (
            {"properties__status": None},
            {"GET · 200.status: is gone", "POST · sent.status: is gone"},
            set(),
        ),
        (
            {"properties__email": {"type": "string"}},
            set(),
            {"GET · 200.email: is new", "POST · sent.email: is new"},
        ),
        (
            {"status__enum": ["pending"]},
            {"POST · sent.status: is never 'active' any more"},
            {"GET · 200.status: is never 'active' any more"},
        ),
        (
            {"name__maxLength": 100},
            {"POST · sent.name: maxLength is 100, was 200"},
            {"GET · 200.name: maxLength is 100, was 200"},
        ),
        (
            {"name__type": ["string", "null"]},
            {"GET · 200.name: may be null now"},
            {"POST · sent.name: may be null now"},
        ),
        (
            {"name__type": "integer"},
            {"GET · 200.name: may be integer now", "POST · sent.name: is no string any more"},
            {"GET · 200.name: is no string any more", "POST · sent.name: may be integer now"},
        ),
        (
            {"mentor__anyOf": [{"$ref": "#/components/schemas/P"}]},
            {"POST · sent.mentor: is no null any more"},
            {"GET · 200.mentor: is no null any more"},
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_difference_breaks_whom_it_breaks(changes: dict[str, Any], breaks: set[str], does_not: set[str]):
    assert said(**changes) == {"breaks": breaks, "doesn't": does_not}


def test_breaking_ones_come_first():
    found = differences(DOCUMENT, changed(get__deprecated=True, path__post=None))
    assert [one.breaking for one in found] == [True, False]


def test_a_schema_that_holds_itself_ends():
    assert differences(DOCUMENT, copy.deepcopy(DOCUMENT)) == ()


SCHEMAS = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "null"])}, optional={"enum": st.lists(st.integers(0, 3))}
    ),
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries(
            {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("abc"), inner)}
        )
    ),
    max_leaves=6,
)


def sending(schema: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": schema}}}
    return {"paths": {"/": {"post": {"requestBody": body, "responses": {"200": body}}}}}


@given(SCHEMAS, SCHEMAS)
def test_a_document_differs_from_itself_in_nothing_and_from_another_both_ways(one: Any, other: Any):
    """What comes one way goes the other; nothing is seen from one side only."""
    assert differences(sending(one), sending(one)) == ()
    there, back = differences(sending(one), sending(other)), differences(sending(other), sending(one))
    assert bool(there) == bool(back)
