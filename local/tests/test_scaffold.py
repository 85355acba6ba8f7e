"""`gate new service`: what it writes fits the house, and a name that doesn't is refused before anything is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gatehouse_catalog import CatalogError, load_catalog
from gatehouse_local.checks.checks import BIN
from gatehouse_local.generate import stale
from gatehouse_local.scaffold import new_service

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace without its virtual environment, to write into."""
    copy = tmp_path_factory.mktemp("checkout") / "gatehouse"
    leave = shutil.ignore_patterns(".*", "__pycache__", "node_modules")
    shutil.copytree(ROOT, copy, ignore=leave)
    return copy


@pytest.fixture(scope="module")
def written(checkout: Path) -> Path:
    return new_service(checkout, "book-club", domain="learning", kind="api", report=lambda _: None)


def test_the_catalog_knows_it_at_the_next_free_port(checkout: Path, written: Path):
    before = {service.port for service in load_catalog(ROOT).services}
    service = load_catalog(checkout)["book-club"]
    assert service.folder == written
    assert (service.path, service.package) == ("/api/book-club", "gatehouse_book_club")
    assert service.port not in before


def test_the_lock_knows_it(checkout: Path, written: Path):
    assert 'name = "gatehouse-book-club"' in (checkout / "uv.lock").read_text()


def test_what_is_generated_knows_it(checkout: Path, written: Path):
    assert stale(checkout) == {}


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"]], ids=" ".join)
def test_it_is_written_in_our_style(checkout: Path, written: Path, command: list[str]):
    done = subprocess.run([BIN / command[0], *command[1:], written], cwd=checkout, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode()


def test_its_database_is_valid(checkout: Path, written: Path):
    from gatehouse_db_manager import load

    assert load(checkout, ["book_club"])


def test_its_tests_pass(checkout: Path, written: Path, tmp_path: Path):
    """In a run of its own, against a database of this configuration, without installing anything."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "GATEHOUSE"))}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, _packages(checkout)))
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "--basetemp", tmp_path / "base"]
    done = subprocess.run(
        [*command, "services/book-club"], cwd=checkout, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _packages(checkout: Path) -> list[Path]:
    found = [*checkout.glob("*/gatehouse_*/__init__.py"), *checkout.glob("services/*/gatehouse_*/__init__.py")]
    return [file.parent.parent for file in found]


@pytest.mark.parametrize(
    ("name", "domain", "why"),
    [
        ("Book_Club", "learning", 'such as "book-club"'),
        ("book", "Learning!", 'such as "learning"'),
        ("person", "people", "exists already"),
        ("chassis", "people", "exists already"),
        ("edge", "people", "taken by the platform"),
        ("9lives", "people", 'such as "lives"'),
        ("a" * 31, "people", "at most 30"),
    ],
)
def test_a_name_that_doesnt_fit_is_refused(checkout: Path, name: str, domain: str, why: str):
    before = sorted(path.name for path in (checkout / "services").iterdir())
    with pytest.raises(CatalogError, match=why):
        new_service(checkout, name, domain=domain, kind="api", report=lambda _: None)
    assert sorted(path.name for path in (checkout / "services").iterdir()) == before
