"""What services expect of one another, against what the provider's OpenAPI document promises.

Each call such as `client.get("/api/topics/paths/...", Path)` is found in the consumer's code. Its struct must decode
whatever the document lets the provider answer, and name no field that the document lacks. The fakes of the consumers'
own tests are held to the same documents. What calls send: test_consumer_requests.py.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import jsonschema
import msgspec
import pytest

from gatehouse_chassis.testing import Peer, TestTokens, person_id

from .provider_documents import CONSUMERS, ROOT, answer_schema, calls, resolved
from .service_calls import Call

# A value of each format that a document may have.
FORMATS = {
    "uuid": "019a0000-0001-7000-8000-000000000001",
    "date-time": "2026-11-01T10:00:00Z",
    "date": "2026-11-01",
    "uri": "https://example.org/",
    "email": "mara@example.org",
}


def sample(whole: dict[str, Any], schema: dict[str, Any], turn: int, *, sparse: bool) -> Any:
    """A value that the schema allows. `turn` chooses among enumerators; `sparse`: null, absent or empty if allowed."""
    schema = resolved(whole, schema)
    options = schema.get("oneOf") or schema.get("anyOf")
    if options:
        nulls = [one for one in options if one.get("type") == "null"]
        others = [one for one in options if one.get("type") != "null"]
        return None if sparse and nulls else sample(whole, others[turn % len(others)], turn, sparse=sparse)
    listed = schema.get("enum", [schema["const"]] if "const" in schema else [])
    values = [value for value in listed if value is not None]
    kinds = schema.get("type", "object")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if sparse and (None in listed or "null" in kinds):
        return None
    if values:
        return values[turn % len(values)]
    return _of_kind(whole, schema, next(kind for kind in kinds if kind != "null"), turn, sparse=sparse)


def _of_kind(whole: dict[str, Any], schema: dict[str, Any], kind: str, turn: int, *, sparse: bool) -> Any:
    match kind:
        case "object":
            wanted = schema.get("required", ()) if sparse else schema.get("properties", ())
            return {name: sample(whole, schema["properties"][name], turn, sparse=sparse) for name in wanted}
        case "array":
            return [] if sparse else [sample(whole, schema["items"], turn, sparse=sparse)]
        case "integer":
            return int(schema.get("minimum", 1))
        case "number":
            return schema.get("minimum", 1)
        case "boolean":
            return bool(turn % 2)
        case _:
            return FORMATS.get(schema.get("format", ""), "text")


def unknown_fields(whole: dict[str, Any], schema: dict[str, Any], shape: Any, where: str = "") -> Iterator[str]:
    """Fields of a consumer's struct that the provider's document lacks."""
    schema = resolved(whole, schema)
    options = schema.get("oneOf") or schema.get("anyOf")
    if options:
        schema = resolved(whole, next(one for one in options if one.get("type") != "null"))
    match shape:
        case msgspec.inspect.StructType():
            properties = schema.get("properties", {})
            for field in shape.fields:
                place = f"{where}.{field.encode_name}"
                if field.encode_name not in properties:
                    yield place
                else:
                    yield from unknown_fields(whole, properties[field.encode_name], field.type, place)
        case msgspec.inspect.ListType() | msgspec.inspect.VarTupleType():
            yield from unknown_fields(whole, schema.get("items", {}), shape.item_type, f"{where}[]")
        case msgspec.inspect.UnionType():
            for option in shape.types:
                if isinstance(option, msgspec.inspect.StructType | msgspec.inspect.ListType):
                    yield from unknown_fields(whole, schema, option, where)


def test_the_calls_of_services_are_found() -> None:
    found = {consumer for consumer in CONSUMERS if calls(consumer)}
    assert sum(len(calls(consumer)) for consumer in found) >= 200
    assert found >= {"chassis", "curriculum", "portal"}


def unreadable(call: Call) -> Iterator[str]:
    """What a provider's document promises of a call's answer, and its consumer's struct can't read."""
    whole, schema = answer_schema(call.path, call.method)
    if call.shape is type(None):  # the answer isn't read
        return
    yield from unknown_fields(whole, schema, msgspec.inspect.type_info(call.shape))
    answers = (sample(whole, schema, turn, sparse=sparse) for turn in range(20) for sparse in (False, True))
    for text in {msgspec.json.encode(answer) for answer in answers}:
        try:
            msgspec.json.decode(text, type=call.shape)
        except msgspec.ValidationError as error:
            yield f"{error}: {text.decode()}"


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_consumer_can_read_whatever_its_provider_answers(consumer: str) -> None:
    problems = {(call.place, call.path): list(unreadable(call)) for call in calls(consumer)}
    assert {where: said for where, said in problems.items() if said} == {}


def test_a_struct_that_drifts_is_named() -> None:
    class Renamed(msgspec.Struct):
        id: str
        given_name: str

    whole, schema = answer_schema("/api/person/people/*")
    assert list(unknown_fields(whole, schema, msgspec.inspect.type_info(Renamed))) == [".given_name"]
    said = list(unreadable(Call("here", "get", "/api/person/people/*", Renamed, {}, None, True, False)))
    assert said[0] == ".given_name"
    assert "missing required field `given_name`" in said[1]


def strict(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """For a fake: it may leave out what its test doesn't need, but has no other fields, and none of another type."""
    schema = resolved(whole, schema)
    found = {key: value for key, value in schema.items() if key not in {"required", "examples", "default"}}
    if "properties" in schema:
        found["properties"] = {name: strict(whole, one) for name, one in schema["properties"].items()}
        found["additionalProperties"] = False
    if "items" in schema:
        found["items"] = strict(whole, schema["items"])
    for key in ("oneOf", "anyOf"):
        if key in schema:
            # Without `required` several may fit.
            found.pop(key)
            found["anyOf"] = [strict(whole, one) for one in schema[key]]
    return found


def check_fake(method: str, path: str, body: Any) -> None:
    whole, schema = answer_schema(path, method.lower())
    jsonschema.validate(body, strict(whole, schema))


def conftest_of(service: str) -> ModuleType:
    file = ROOT / "services" / service / "tests" / "conftest.py"
    specification = importlib.util.spec_from_file_location(f"fakes_of_{service}", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_portals_fakes_answer_as_the_services_would() -> None:
    conftest = conftest_of("portal")
    house = conftest.House({name: Peer() for name in conftest.SERVICES})
    house.reset()
    checked = 0
    for played in house.peers.values():
        for (method, path), answer in played.answers.items():
            if path.startswith("/api/") and not callable(answer) and answer[0] == 200:
                check_fake(method, path, answer[1])
                checked += 1
    assert checked >= 8


def test_the_curriculums_fakes_answer_as_the_services_would() -> None:
    fakes = conftest_of("curriculum")
    headers = {"authorization": TestTokens().headers("mentor", person=fakes.MARA)["Authorization"]}
    relationship = f"/api/person/people/{fakes.NOAH}/relationship"
    status, body = fakes.as_person_answers(relationship, headers)
    assert (status, body["relationship"]) == (200, "mentor")
    check_fake("GET", relationship, body)
    status, body = fakes.members_of_the_caller(f"/api/person/people?mentor={fakes.MARA}&limit=200", headers)
    assert status == 200
    assert body["items"]
    check_fake("GET", "/api/person/people", body)
    check_fake("GET", f"/api/person/people/{fakes.NOAH}", fakes.zone_of(fakes.NOAH))
    check_fake("GET", f"/api/topics/resources/{fakes.resource_id(1)}", fakes.resource(1))


def test_a_fake_that_drifts_is_refused() -> None:
    with pytest.raises(jsonschema.ValidationError, match="nickname"):
        check_fake("GET", f"/api/person/people/{person_id(1)}", {"id": person_id(1), "nickname": "Mara"})
    with pytest.raises(jsonschema.ValidationError):
        check_fake("GET", f"/api/person/people/{person_id(1)}", {"id": person_id(1), "name": 7})
