"""Which operations of a service apps may call, and what is left of its document."""

from typing import Any

from gatehouse_local.apps.operations import allowed_operations, for_apps


def operation(answer: str = "Person", allows: str = "anyone signed in") -> dict[str, Any]:
    schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{answer}"}}
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    return {"x-gatehouse-allows": allows, "responses": responses}


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "person"},
    "paths": {
        "/api/person/people": {"get": operation(), "post": operation(allows="staff")},
        "/api/person/intake": {"post": operation(allows="anyone")},
        "/api/person/sessions": {"parameters": [], "post": operation("Login")},
        "/api/personal": {"get": operation()},
        "/config": {"get": operation(allows="admin")},
    },
    "components": {
        "schemas": {
            "Person": {"properties": {"mentor": {"$ref": "#/components/schemas/Mentor"}, "tokens_used": {}}},
            "Mentor": {"properties": {"name": {}}},
            "Login": {"properties": {"issued": {"$ref": "#/components/schemas/Issued"}}},
            "Issued": {"properties": {"access_token": {}}},
        }
    },
}


def test_they_need_a_session_and_answer_with_no_secret_however_deep():
    assert allowed_operations(DOCUMENT, "/api/person") == [
        ("GET", "/api/person/people"),
        ("POST", "/api/person/people"),
    ]


def test_the_document_keeps_what_they_refer_to_and_nothing_else():
    kept = for_apps(DOCUMENT, "/api/person")
    assert list(kept["paths"]) == ["/api/person/people"]
    assert sorted(kept["components"]["schemas"]) == ["Mentor", "Person"]
