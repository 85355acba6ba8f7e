"""Which tests a saved file affects, and that a warm run gives the verdict of a cold one."""

from pathlib import Path

import pytest

from gatehouse_local.warm import Warm
from gatehouse_local.watch import affected
from gatehouse_local.workspace import dependents, members

ROOT = Path(__file__).parents[2]


def affected_by(*changed: str) -> list[str]:
    paths = affected(ROOT, members(ROOT), [ROOT / path for path in changed])
    return [str(path.relative_to(ROOT)) for path in paths]


def test_a_service_runs_its_own_tests_only():
    found = affected_by("services/person/service.toml", "services/person/database/schema.yaml")
    assert found[-1] == "services/person/tests"
    assert all(path.startswith("services/person/tests") for path in found)


def test_the_chassis_runs_its_own_tests_and_then_every_service():
    found = affected_by("services/chassis/gatehouse_chassis/app.py")
    assert found[:2] == ["services/chassis/tests/test_app.py", "services/chassis/tests"]
    assert {"services/person/tests", "services/topics/tests"} < set(found)
    assert "local/tests" not in found


def test_the_catalog_runs_everything_that_stands_on_it():
    known = members(ROOT)
    assert set(dependents(["gatehouse-catalog"], known)) == set(known)


def test_a_changed_test_file_runs_alone():
    assert affected_by("local/tests/test_watch.py") == ["local/tests/test_watch.py"]


def test_a_changed_helper_of_tests_runs_the_folder():
    assert affected_by("local/tests/conftest.py") == ["local/tests"]


@pytest.fixture
def warm():
    process = Warm()
    yield process
    process.close()


@pytest.mark.parametrize(("body", "code"), [("assert True", 0), ("assert False", 1)])
def test_a_warm_run_gives_the_verdict_of_pytest(warm: Warm, tmp_path: Path, body: str, code: int):
    file = tmp_path / "test_it.py"
    file.write_text(f"def test_it(): {body}")
    arguments = [str(file), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    warm.start(arguments, quiet=True)
    assert warm.finished(wait=30) == code
    warm.start(arguments, quiet=True)
    assert warm.finished(wait=30) == code


def test_a_run_is_stopped_by_the_next_save(warm: Warm, tmp_path: Path):
    file = tmp_path / "test_it.py"
    file.write_text("import time\ndef test_it(): time.sleep(60)")
    warm.start([str(file), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"], quiet=True)
    warm.stop()
    assert warm.running is None
