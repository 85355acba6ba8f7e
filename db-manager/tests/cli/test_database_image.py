"""What a database image carries: all of db-manager but the importer, which runs from a checkout only."""

import shutil
import subprocess
import sys
from pathlib import Path

import gatehouse_db_manager
from gatehouse_db_manager.config.load import INCLUDED

ROOT = Path(__file__).parents[3]
PACKAGE = "db-manager/gatehouse_db_manager"


def copied(path: str) -> bool:
    """Whether a build's context lets in a file: as Docker reads .dockerignore, the last line that matches decides."""
    let_in = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.strip().removeprefix("!")
        if not pattern or pattern.startswith("#"):
            continue
        prefixes = [path, *map(str, Path(path).parents)]
        if any(Path(one).match(pattern) if "*" in pattern else one == pattern for one in prefixes):
            let_in = line.startswith("!")
    return let_in


def test_an_image_has_no_importer_and_all_else_of_db_manager():
    modules = [str(file.relative_to(ROOT)) for file in (ROOT / PACKAGE).rglob("*.py")]
    left_out = [module for module in modules if not copied(module)]
    assert left_out == [module for module in modules if module.startswith(f"{PACKAGE}/importer/")]
    assert left_out
    assert not copied("db-manager/tests/conftest.py")
    # Nothing else of the package is brought in than by copying the folder.
    copies = [line for line in (ROOT / "db-manager/Dockerfile").read_text().splitlines() if line.startswith("COPY db")]
    assert copies == [
        "COPY db-manager/pyproject.toml db-manager/",
        "COPY db-manager db-manager",
        "COPY db-manager/types db-manager/types",
    ]


def test_an_image_has_the_collections_that_its_schema_includes():
    assert copied(f"{INCLUDED}/idempotency_key.yaml")
    assert f"COPY {INCLUDED} {INCLUDED}" in (ROOT / "db-manager/Dockerfile").read_text().splitlines()


def test_without_the_importer_commands_work_and_import_says_why_not(tmp_path: Path):
    package = Path(gatehouse_db_manager.__file__).parent
    shutil.copytree(
        package, tmp_path / "gatehouse_db_manager", ignore=shutil.ignore_patterns("importer", "__pycache__")
    )
    run = "import sys; sys.path.insert(0, sys.argv.pop(1)); from gatehouse_db_manager.cli.commands import db; db()"

    def gate_db(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", run, str(tmp_path), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert gate_db("plan", "--help").returncode == 0
    done = gate_db("import", "--url", "postgresql://127.0.0.1:1/nowhere", "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "gate db import from a checkout" in done.stderr
    assert not (tmp_path / "out").exists()
