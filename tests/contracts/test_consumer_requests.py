"""What services send to one another, against what the provider's OpenAPI document lets them send.

Every call in the consumers' code is compared: path, method, query, version and body. One that can't be followed to what
it sends fails by its place.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from .code_scope import UNKNOWN, Field, Unresolved
from .provider_documents import CONSUMERS, calls, operation_of, resolved
from .service_calls import Call, calls_of

# How an operation says that it may be called without a version; some do so only with one of the body's fields.
VERSION_FREE = re.compile(r"If-Match isn't needed(?: with `(\w+)`)?")


def misfits(call: Call) -> Iterator[str]:
    """What a call sends that its provider's document doesn't let it send, and what it leaves out."""
    whole, operation = operation_of(call.path, call.method)
    parameters = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    for name, field in call.query.items():
        if name not in parameters:
            yield f"query {name}: there is no such parameter"
        elif field.value is not UNKNOWN:
            yield from _wrong(whole, parameters[name]["schema"], field.value, f"query {name}", texts=True)
    for name, one in parameters.items():
        if one.get("required") and not (name in call.query and call.query[name].always):
            yield f"query {name}: is required"
    headers = {one["name"].lower() for one in operation["parameters"] if one["in"] == "header"}
    if call.versioned and "if-match" not in headers:
        yield "version: the operation takes no If-Match"
    free = VERSION_FREE.search(operation.get("description", ""))
    needed = not free or (free[1] is not None and free[1] not in (call.body or ()))
    if needed and "if-match" in headers and "428" in operation["responses"] and not call.versioned:
        yield "version: If-Match is required"
    yield from _body_misfits(call, whole, operation.get("requestBody"))


def _body_misfits(call: Call, whole: dict[str, Any], declared: dict[str, Any] | None) -> Iterator[str]:
    if declared is None:
        if not call.bodiless:
            yield "body: the operation takes none"
        return
    if call.body is None:
        if declared.get("required", False):
            yield "body: is required"
        return
    schema = resolved(whole, declared["content"]["application/json"]["schema"])
    properties = schema.get("properties", {})
    for name, field in call.body.items():
        if name not in properties:
            yield f"body {name}: there is no such field"
        elif field.value is not UNKNOWN:
            yield from _wrong(whole, properties[name], field.value, f"body {name}", texts=False)
    for name in schema.get("required", []):
        if not (name in call.body and call.body[name].always):
            yield f"body {name}: is required"


def _wrong(whole: dict[str, Any], schema: dict[str, Any], value: Any, where: str, *, texts: bool) -> Iterator[str]:
    """In a query everything is a text, and a list may be given one by one."""
    schema = resolved(whole, schema)
    items = resolved(whole, schema["items"]) if texts and schema.get("type") == "array" else schema
    if texts and items.get("type") == "integer":
        value = int(value)
    elif texts and items.get("type") == "boolean":
        value = {"true": True, "false": False}.get(value, value)
    validator = jsonschema.Draft202012Validator({**items, "components": whole["components"]})
    yield from (f"{where} = {value!r}: {error.message}" for error in validator.iter_errors(value))


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_provider_takes_whatever_its_consumer_sends(consumer: str) -> None:
    problems = {(call.place, call.path): list(misfits(call)) for call in calls(consumer)}
    assert {where: said for where, said in problems.items() if said} == {}


def test_a_call_that_drifts_is_named() -> None:
    move = "/api/curriculum/curricula/*/assignments/*/move"
    sent = {"state": Field(True, "soon"), "place": Field(True)}
    call = Call("here", "post", move, type(None), {"limit": Field(True, 5)}, sent, False, False)
    text = "\n".join(misfits(call))
    for part in ("query limit: there is no", "body place: there is no", "body state = 'soon'", "If-Match is required"):
        assert part in text
    listed = Call("here", "get", "/api/topics/paths", type(None), {"limit": Field(True, 500)}, None, True, True)
    assert "query limit = 500" in (text := "\n".join(misfits(listed)))
    assert "takes no If-Match" in text
    with pytest.raises(AssertionError, match=r"no operation POST /api/curriculum/curricula/\*/assignments/\*/\*"):
        operation_of("/api/curriculum/curricula/*/assignments/*/*", "post")


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ('peers.get("topics", where, int)', "where is no text"),
        ('peers.ask("topics", "POST", "/api/topics/paths", int, json=body)', "body is no dict"),
        ('peers.get("topics", "/api/topics/paths", kind)', "kind"),
    ],
)
def test_a_call_that_can_not_be_followed_fails_by_name(tmp_path: Path, call: str, what: str) -> None:
    package = tmp_path / "services" / "gatehouse_lost"
    package.mkdir(parents=True)
    head = "from gatehouse_portal.shell.peers import Peers\nasync def ask(peers: Peers, where, body, kind):\n"
    (package / "lost.py").write_text(f"{head}    {call}\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(package.parent)
        with pytest.raises(Unresolved, match=rf"gatehouse_lost/lost\.py:3: .*{what}"):
            list(calls_of(package))
