"""`gate new service`: what it writes fits the house, and a name that doesn't is refused before anything is written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import CatalogError, load_catalog
from gatehouse_local.checks.checks import BIN
from gatehouse_local.checks.import_contracts import write_contracts
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


def write_service(checkout: Path, name: str, *, domain: str = "learning", **options: Any) -> Path:
    return new_service(checkout, name, domain=domain, kind="api", report=lambda _: None, **options)


@pytest.fixture(scope="module")
def written(checkout: Path) -> Path:
    return write_service(checkout, "book-club", aggregate="reading-list")


def test_the_catalog_knows_it_at_the_next_free_port(checkout: Path, written: Path):
    before = {service.port for service in load_catalog(ROOT).services}
    service = load_catalog(checkout)["book-club"]
    assert service.folder == written
    assert (service.path, service.package) == ("/api/book-club", "gatehouse_book_club")
    assert service.port not in before


def test_the_lock_knows_it(checkout: Path, written: Path):
    assert 'name = "gatehouse-book-club"' in (checkout / "uv.lock").read_text()


@pytest.mark.deep
def test_what_is_generated_knows_it(checkout: Path, written: Path):
    assert stale(checkout) == {}


def test_it_has_the_form_of_the_other_services(written: Path):
    """The modules of an aggregate, and beside the aggregates, are those of the services that people wrote."""
    others = [ROOT / "services" / name for name in ("identity", "person", "partner", "topics", "curriculum")]
    modules = {path.name for folder in others for path in folder.glob("gatehouse_*/*/*.py")}
    top = {path.name for folder in others for path in folder.glob("gatehouse_*/*.py")}
    assert {path.name for path in written.glob("gatehouse_book_club/*.py")} <= top
    aggregate = {path.name for path in written.glob("gatehouse_book_club/reading_list/*.py")}
    assert aggregate <= modules
    assert aggregate == {"__init__.py", "routes.py", "queries.py", "rules.py", "structs.py"}
    assert (written / "tests/reading_list/test_routes.py").is_file()


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["ty", "check"]], ids=" ".join)
def test_it_is_written_in_our_style(checkout: Path, written: Path, command: list[str]):
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    done = subprocess.run(
        [BIN / command[0], *command[1:], written], cwd=checkout, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.deep
def test_names_of_any_length_are_written_in_our_style(checkout: Path):
    folder = write_service(checkout, "a" * 30, aggregate=f"{'b' * 14}-{'c' * 15}", domain="new", new_domain=True)
    try:
        for command in (["check"], ["format", "--check"]):
            done = subprocess.run([BIN / "ruff", *command, folder], cwd=checkout, capture_output=True, check=False)
            assert done.returncode == 0, done.stdout.decode()
    finally:
        shutil.rmtree(folder)


@pytest.mark.deep
def test_it_keeps_every_house_rule(checkout: Path, written: Path):
    """The rules of tests/house on the whole checkout; what others break there is tests/house's own business."""
    subprocess.run(["git", "init", "--quiet", checkout], check=True)
    shutil.copy(ROOT / ".gitignore", checkout)
    rules = ["tests/house/test_names.py", "tests/house/test_files.py"]
    done = run_pytest(checkout, *rules, "-vv", "-k", "not typed")
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "services/book-club" not in done.stdout


def test_its_packages_are_in_one_order(checkout: Path, written: Path):
    file = checkout / ".gate" / "imports.toml"
    write_contracts(checkout, file)
    code = f"import sys; sys.path[:0] = {[*map(str, _packages(checkout))]!r}; "
    code += "from importlinter import cli; cli.lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--config", file, "--no-cache"], cwd=checkout, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stdout.decode()
    assert b"gatehouse_book_club: its packages import one another in one direction KEPT" in done.stdout


def test_its_database_is_valid(checkout: Path, written: Path):
    from gatehouse_db_manager import load

    assert load(checkout, ["book_club"])


def test_its_tests_pass(checkout: Path, written: Path, tmp_path: Path):
    """In a run of its own, against a database of this configuration, without installing anything."""
    done = run_pytest(checkout, "services/book-club", "--basetemp", str(tmp_path / "base"))
    assert done.returncode == 0, done.stdout + done.stderr


def run_pytest(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "GATEHOUSE"))}
    environment["PYTHONPATH"] = os.pathsep.join(map(str, _packages(checkout)))
    command = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


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
        ("public", "people", "taken by the platform"),
        ("library", "lerning", 'Did you mean "learning"\\? Add --new-domain'),
        ("library", "zoology", "Known: .*learning.* Add --new-domain"),
    ],
)
def test_a_name_that_doesnt_fit_is_refused(checkout: Path, name: str, domain: str, why: str):
    before = sorted(path.name for path in (checkout / "services").iterdir())
    with pytest.raises(CatalogError, match=why):
        write_service(checkout, name, domain=domain)
    assert sorted(path.name for path in (checkout / "services").iterdir()) == before


@pytest.mark.parametrize("aggregate", ["Item", "tables", "class", "idempotency-key"])
def test_an_aggregate_that_cant_be_one_is_refused(checkout: Path, aggregate: str):
    with pytest.raises(CatalogError, match="--aggregate"):
        write_service(checkout, "library", aggregate=aggregate)
    assert not (checkout / "services/library").exists()
