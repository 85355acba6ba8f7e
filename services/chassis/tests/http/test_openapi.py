"""What the OpenAPI document adds to what Litestar knows: statuses, conditional reads, who may call."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar, Request, Response, get

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.http.etags import versioned
from gatehouse_chassis.http.guards import public, signed_in
from gatehouse_chassis.testing import serving

SERVICE = """
name = "demo"
domain = "demo"
summary = "Shows its document"
path = "/api/demo"
port = 8499
[uses]
services = [{uses}]
"""


class Thing(msgspec.Struct):
    version: int


@get("/thing", guards=[signed_in], operation_id="GetThing", sync_to_thread=False)
def read_thing(request: Request[Any, Any, Any]) -> Response[Thing]:
    return versioned(Thing(3), request)


@get("/plain", guards=[public], operation_id="GetPlain", sync_to_thread=False)
def read_plain() -> Thing:
    return Thing(3)


def create(service: ServiceContext) -> Litestar:
    return create_app(service, [read_thing, read_plain])


async def paths_of(folder: Path, uses: str) -> dict[str, Any]:
    demo = folder / "services" / "demo"
    demo.mkdir(parents=True)
    (demo / "service.toml").write_text(SERVICE.format(uses=uses))
    async with serving("demo", create, folder=demo) as service:
        return (await service.get("/openapi.json")).json()["paths"]


async def test_a_read_with_a_version_documents_its_etag_and_the_answer_without_a_body(tmp_path: Path) -> None:
    paths = await paths_of(tmp_path, "")
    thing = paths["/api/demo/thing"]["get"]
    assert "content" not in thing["responses"]["304"]
    assert "ETag" in thing["responses"]["200"]["headers"]
    assert [parameter["name"] for parameter in thing["parameters"]] == ["If-None-Match"]
    assert "304" not in paths["/api/demo/plain"]["get"]["responses"]


@pytest.mark.parametrize(("uses", "documented"), [('"identity", "person"', True), ('"identity"', False)])
async def test_a_service_that_asks_others_documents_that_they_may_fail(
    tmp_path: Path, uses: str, documented: bool
) -> None:
    paths = await paths_of(tmp_path, uses)
    assert ({"502", "504"} <= set(paths["/api/demo/thing"]["get"]["responses"])) is documented
    assert "502" not in paths["/api/demo/plain"]["get"]["responses"]
