"""`gate remove service`: what `gate new service` wrote goes without a trace; what others depend on stays."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gatehouse_catalog import CatalogError
from gatehouse_local.generate import stale
from gatehouse_local.remove_service import mentions, remove_service
from gatehouse_local.scaffold import new_service

ROOT = Path(__file__).parents[2]


class Refused(Exception):
    """Somebody said no."""


def texts(root: Path) -> dict[str, bytes]:
    """All files but what tools keep for themselves."""
    files = (file for file in root.rglob("*") if file.is_file())
    found = {file.relative_to(root): file.read_bytes() for file in files}
    return {
        str(path): content for path, content in found.items() if path.parts[0] not in (".git", ".gate", ".ruff_cache")
    }


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("checkout") / "gatehouse"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "node_modules"))
    shutil.copytree(ROOT / ".github", copy / ".github")
    subprocess.run(["git", "init", "--quiet", "."], cwd=copy, check=True)
    return copy


@pytest.mark.deep
def test_what_was_scaffolded_goes_without_a_trace(checkout: Path):
    before = texts(checkout)
    new_service(
        checkout, "book-club", domain="reading", kind="api", report=lambda _: None, new_domain=True, aggregate="book"
    )
    assert "- reading" in (checkout / ".github/workflows/promote.yml").read_text()
    said: list[str] = []

    def refuse(question: str) -> None:
        said.append(question)
        raise Refused

    written = texts(checkout)
    with pytest.raises(Refused):
        remove_service(checkout, "book-club", confirm=refuse, report=said.append)
    assert said == ["Remove services/book-club and what is generated from it?"]
    assert texts(checkout) == written
    remove_service(checkout, "book-club", confirm=lambda _: None, report=said.append)
    assert texts(checkout) == before
    assert stale(checkout) == {}
    assert said[1] == "Removed services/book-club."


def test_what_others_call_or_are_installed_with_is_refused(checkout: Path):
    before = texts(checkout)
    with pytest.raises(CatalogError) as refused:
        remove_service(checkout, "identity", confirm=lambda _: None, report=lambda _: None)
    assert "services/partner/service.toml: uses.services" in str(refused.value)
    with pytest.raises(CatalogError, match="there is no such service"):
        remove_service(checkout, "personn", confirm=lambda _: None, report=lambda _: None)
    assert texts(checkout) == before


def test_what_still_names_it_is_listed(checkout: Path):
    subprocess.run(["git", "add", "observability"], cwd=checkout, check=True)
    assert any(
        place.startswith("observability/gatehouse_observability/load/personas.py:")
        for place in mentions(checkout, "partner")
    )
