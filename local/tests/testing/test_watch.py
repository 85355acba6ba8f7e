"""Which tests a saved file affects, and that a warm run gives the verdict of a cold one."""

from pathlib import Path

import pytest

from gatehouse_local.testing.fork_server import ForkServer
from gatehouse_local.testing.import_graph import importing
from gatehouse_local.testing.watch import affected, described
from gatehouse_local.workspace import Member, dependents, members

ROOT = Path(__file__).parents[3]


def affected_by(*changed: str) -> list[str]:
    paths = affected(ROOT, members(ROOT), [ROOT / path for path in changed])
    return [str(path.relative_to(ROOT)) for path in paths]


def test_a_service_runs_its_own_tests_only():
    found = affected_by("services/person/service.toml", "services/person/database/schema.yaml")
    assert found[-1] == "services/person/tests"
    assert all(path.startswith("services/person/tests") for path in found)


def test_the_chassis_runs_its_own_tests_and_then_those_of_every_service():
    found = affected_by("services/chassis/gatehouse_chassis/app.py")
    assert found[0] == "services/chassis/tests/test_app.py"
    assert {"services/person/tests/person/test_routes.py", "services/topics/tests/test_lists.py"} < set(found)
    assert not any(path.startswith("local/") for path in found)


def test_queries_run_the_tests_over_http_and_not_those_of_the_rules():
    tests = affected_by("services/topics/gatehouse_topics/path/queries.py")
    assert "services/topics/tests/test_lists.py" in tests
    assert "services/topics/tests/path/test_rules.py" not in tests


def test_rules_run_their_own_tests_first_and_those_over_http():
    tests = affected_by("services/person/gatehouse_person/person/rules.py")
    assert tests[0] == "services/person/tests/person/test_rules.py"
    assert "services/person/tests/person/test_routes.py" in tests


def test_what_is_run_is_said():
    tests = ROOT / "services/person/tests"
    assert described(ROOT, [tests]) == "services/person/tests"
    assert described(ROOT, [tests / "person/test_rules.py", tests]) == "services/person/tests"
    one = described(ROOT, [tests / "person/test_rules.py"])
    files = len(list((tests / "person").glob("test_*.py")))
    assert one == f"services/person/tests/person (1 of {files} files: rules)"


@pytest.fixture
def house(tmp_path: Path) -> Member:
    """A member with a module that another imports, and tests of all kinds."""
    sources = {
        "gatehouse_house/__init__.py": "",
        "gatehouse_house/deep.py": "",
        "gatehouse_house/middle.py": "def late():\n    from gatehouse_house import deep",
        "tests/conftest.py": "from gatehouse_house import middle\ndef lamp(): ...",
        "tests/test_broken.py": "def (",
        "tests/test_direct.py": "import gatehouse_house.deep",
        "tests/test_by_fixture.py": "def test_it(lamp): ...",
        "tests/test_nothing.py": "def test_it(): ...",
        "tests/test_process.py": "import subprocess",
    }
    for name, source in sources.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(source)
    return Member("gatehouse-house", tmp_path, "gatehouse_house", frozenset())


def importers(house: Member, changed: str) -> set[str]:
    found = importing(house.folder / changed, house.folder / "tests", {house.name: house})
    return {path.stem.removeprefix("test_") for path in found}


def test_tests_are_affected_through_imports_and_fixtures_and_when_that_cannot_be_told(house: Member):
    assert importers(house, "gatehouse_house/deep.py") == {"direct", "by_fixture", "broken", "process"}
    assert importers(house, "gatehouse_house/middle.py") == {"by_fixture", "broken", "process"}


def test_a_new_import_is_seen_at_the_next_save(house: Member):
    test = house.folder / "tests/test_nothing.py"
    assert "nothing" not in importers(house, "gatehouse_house/deep.py")
    test.write_text("from gatehouse_house import deep  # now")
    assert "nothing" in importers(house, "gatehouse_house/deep.py")


def test_the_catalog_runs_everything_that_stands_on_it():
    known = members(ROOT)
    assert set(dependents(["gatehouse-catalog"], known)) == set(known)


def test_a_changed_test_file_runs_alone():
    assert affected_by("local/tests/testing/test_watch.py") == ["local/tests/testing/test_watch.py"]


def test_a_changed_helper_of_tests_runs_the_folder():
    assert affected_by("local/tests/conftest.py") == ["local/tests"]


@pytest.fixture
def warm():
    process = ForkServer()
    yield process
    process.close()


@pytest.mark.parametrize(("body", "code"), [("assert True", 0), ("assert False", 1)])
def test_a_warm_run_gives_the_verdict_of_pytest(warm: ForkServer, tmp_path: Path, body: str, code: int):
    file = tmp_path / "test_it.py"
    file.write_text(f"def test_it(): {body}")
    arguments = [str(file), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    warm.start(arguments, quiet=True)
    assert warm.finished(wait=100) == code
    warm.start(arguments, quiet=True)
    assert warm.finished(wait=100) == code


def test_a_run_is_stopped_by_the_next_save(warm: ForkServer, tmp_path: Path):
    file = tmp_path / "test_it.py"
    file.write_text("import time\ndef test_it(): time.sleep(60)")
    warm.start([str(file), "--rootdir", str(tmp_path), "-p", "no:cacheprovider"], quiet=True)
    warm.stop()
    assert warm.running is None
