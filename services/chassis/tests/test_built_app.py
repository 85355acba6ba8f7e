"""An image of an app: built files as they are, its page for every other address, and what every service answers."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gatehouse_catalog import CatalogError
from gatehouse_chassis import ServiceContext, built_app

ENTRY = """
name = "demo"
domain = "learning"
summary = "Shows"
kind = "app"
path = "/apps/demo"
port = 9000
"""


def written(folder: Path) -> ServiceContext:
    folder.mkdir(parents=True)
    (folder / "service.toml").write_text(ENTRY)
    return ServiceContext.load(folder, {"GATEHOUSE_ENVIRONMENT": "dev", "GATEHOUSE_PUBLIC_URL": "http://test"})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    folder = tmp_path_factory.mktemp("checkout") / "services" / "demo"
    service = written(folder)
    (folder / "dist" / "assets").mkdir(parents=True)
    (folder / "dist" / "index.html").write_text("<!doctype html>page")
    (folder / "dist" / "assets" / "main-1a2b.js").write_text("run()")
    (folder / "dist" / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(b"run()"))
    transport = httpx.ASGITransport(app=built_app.create(service))  # ty: ignore[invalid-argument-type] - as in gatehouse_chassis.testing
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_file_with_a_digest_is_kept_for_good_and_sent_compressed(app: httpx.AsyncClient):
    answer = await app.get("/apps/demo/assets/main-1a2b.js", headers={"Accept-Encoding": "gzip, br"})
    assert answer.text == "run()"
    assert answer.headers["content-encoding"] == "gzip"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    plain = await app.get("/apps/demo/assets/main-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert (plain.text, plain.headers.get("content-encoding")) == ("run()", None)


@pytest.mark.parametrize("path", ["/apps/demo", "/apps/demo/", "/apps/demo/plan/7", "/apps/demo/../demo/x"])
async def test_every_other_address_is_its_page_under_a_strict_policy(app: httpx.AsyncClient, path: str):
    answer = await app.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>page")
    assert answer.headers["cache-control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


async def test_a_file_of_an_older_version_is_missing_and_no_page(app: httpx.AsyncClient):
    assert (await app.get("/apps/demo/assets/main-0000.js")).status_code == 404


async def test_it_answers_what_every_service_does(app: httpx.AsyncClient):
    assert (await app.get("/health/live")).status_code == 200
    assert (await app.get("/version")).json()["service"] == "demo"
    assert "gatehouse" in (await app.get("/metrics")).text


def test_without_built_files_it_says_how_to_build_them(tmp_path: Path):
    with pytest.raises(CatalogError, match="gate app build demo"):
        built_app.create(written(tmp_path / "services" / "demo"))
