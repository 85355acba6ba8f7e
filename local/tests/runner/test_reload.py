import asyncio
import threading
from pathlib import Path

import pytest

from gatehouse_local.runner.reload import ReloadPlan, reload_plan, reload_plans

ROOT = Path("/checkout")


def of(*paths: str) -> ReloadPlan:
    return reload_plan(ROOT, [ROOT / path for path in paths])


def test_a_service_file_reloads_that_service():
    assert of("services/person/gatehouse_person/person/rules.py") == ReloadPlan(services=frozenset({"person"}))
    assert of("services/portal/gatehouse_portal/pages/home.html").services == {"portal"}


@pytest.mark.parametrize(
    "path", ["services/chassis/gatehouse_chassis/app.py", "services/catalog/gatehouse_catalog/x.py"]
)
def test_what_services_share_reloads_all(path):
    assert of(path).everything


@pytest.mark.parametrize(
    "path",
    [
        "services/person/database/collections/person.yaml",
        "services/chassis/gatehouse_chassis/schema/idempotency_key.yaml",
        "db-manager/types/word.yaml",
        "services/x/database/a.json",
    ],
)
def test_database_configuration_is_applied_and_reloads_nothing(path):
    assert of(path) == ReloadPlan(database=True)


def test_a_service_toml_means_the_catalog_and_its_service():
    assert of("services/person/service.toml") == ReloadPlan(catalog=True, services=frozenset({"person"}))


def test_settings_mean_the_catalog_and_everything():
    assert of("local/settings.toml") == ReloadPlan(catalog=True, everything=True)


@pytest.mark.parametrize(
    "path",
    [
        "services/person/tests/test_rules.py",
        "services/person/gatehouse_person/__pycache__/rules.cpython-311.pyc",
        "services/person/gatehouse_person/.rules.py.swp",
        "services/person/gatehouse_person/4913",
        "services/person/README.md",
        "services/person/gatehouse_person/rules.py~",
        "local/gatehouse_local/runner/graph.py",
        "README.md",
    ],
)
def test_other_files_mean_nothing(path):
    assert not of(path)


def test_many_files_mean_all_of_it():
    assert of("services/person/a.py", "services/topics/b.py", "services/topics/database/x.yaml") == ReloadPlan(
        database=True, services=frozenset({"person", "topics"})
    )


async def test_a_save_is_noticed(tmp_path):
    file = tmp_path / "services" / "person" / "rules.py"
    file.parent.mkdir(parents=True)
    stop = threading.Event()
    seen = reload_plans(tmp_path, stop)
    first = asyncio.ensure_future(anext(seen))
    async with asyncio.timeout(60):
        while not first.done():  # the watch begins at some moment after the first question
            file.write_text("x = 1\n")
            await asyncio.wait([first], timeout=0.05)
    assert first.result() == ReloadPlan(services=frozenset({"person"}))
    stop.set()
    await seen.aclose()


def test_an_apps_own_server_shows_what_it_is_made_of():
    assert not of("services/demo/src/Page.vue", "services/demo/src/rules.ts", "services/portal/kit/client.ts")
    assert not of("services/demo/dist/index.html")
    assert of("services/demo/service.toml").services == {"demo"}
