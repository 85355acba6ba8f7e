"""What images are built from, how they are measured, and that what the recipes copy is there. No engine is needed."""

import io
import json
import re
import tarfile
from pathlib import Path

import pytest

from gatehouse_catalog import load_catalog
from gatehouse_ci.images import build, docker, sizes
from gatehouse_ci.images.scan import vulnerable

ROOT = Path(__file__).parents[3]
RECIPES = ["services/Dockerfile", "db-manager/Dockerfile", "local/Dockerfile"]


def test_every_service_has_an_image_and_its_database_has_one():
    catalog = load_catalog(ROOT)
    names = [image.name for image in build.images_of(catalog)]
    for service in catalog:
        assert service.name in names
        assert (f"{service.name}-database" in names) == (service.database is not None)
    assert [image.name for image in build.images_of(catalog, ["person"])] == ["person", "person-database"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_a_recipe_copies_is_there_for_every_service(recipe: str):
    copied = [
        path
        for line in re.sub(r"\\\n", " ", (ROOT / recipe).read_text(encoding="utf-8")).splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for path in line.split()[1:-1]
    ]
    assert copied
    for service in load_catalog(ROOT):
        assert [path for path in copied if not (ROOT / path.replace("${SERVICE}", service.name)).exists()] == []


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_image_runs_as_root_or_pulls_a_builder(recipe: str):
    text = (ROOT / recipe).read_text(encoding="utf-8")
    assert "\nUSER 10001:10001\n" in text
    assert "# syntax=" not in text  # it would be pulled, and not every builder can
    assert "ensurepip" in text.rpartition("\nFROM ")[2], "what installs stays in the last stage"


def test_layers_are_compressed_once_and_the_bases_are_left_out(tmp_path: Path):
    archive = tmp_path / "saved.tar"
    with tarfile.open(archive, "w") as saved:
        for path, data in {
            "base.tar": b"b" * 500_000,
            "own.tar": b"o" * 1_000_000,
            "manifest.json": json.dumps(
                [{"Config": "c", "RepoTags": ["gatehouse/person:local"], "Layers": ["base.tar", "own.tar"]}]
            ).encode(),
        }.items():
            member = tarfile.TarInfo(path)
            member.size = len(data)
            saved.addfile(member, io.BytesIO(data))
    found = sizes.compressed_layers(archive, {"gatehouse/person:local": ["sha256:b", "sha256:o"]}, {"sha256:b"})
    assert found.keys() == {"sha256:o"}
    assert 900 < found["sha256:o"] < 5_000


def built(above_base: int) -> build.Built:
    return build.Built(
        name="person",
        service="person",
        reference="gatehouse/person:local",
        id="sha256:1",
        platform="linux/amd64",
        seconds=1,
        above_base=above_base,
        revision="r",
    )


def test_an_image_that_is_too_large_is_refused_by_name():
    build.check_sizes([built(80_000_000)])
    with pytest.raises(build.ImageTooLarge, match=r"person \(80\.1 MB\)"):
        build.check_sizes([built(80_100_000)])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("git@example.org:institute/gatehouse.git", "https://example.org/institute/gatehouse"),
        ("https://example.org/institute/gatehouse.git", "https://example.org/institute/gatehouse"),
        ("../gatehouse", "unknown"),
    ],
)
def test_an_image_says_where_its_source_is_unless_that_is_a_folder(address: str, expected: str):
    assert build.source_of_remote(address) == expected


def test_without_an_engine_one_sentence_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(docker.NoEngine, match=r"no program called docker was found. Fix: install one"):
        docker.find()


def test_an_engine_that_does_not_answer_is_told_from_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'Is the docker daemon running?' >&2\nexit 1\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(docker.NoEngine, match=r"doesn't respond: Is the docker daemon running\? Fix: start it"):
        docker.find()


def test_every_known_vulnerability_is_a_finding():
    said = [
        {"name": "jinja2", "version": "3.1.2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.3"]}]},
        {"name": "httpx", "version": "0.28.1", "vulns": []},
    ]
    assert vulnerable(said) == ["jinja2 3.1.2: PYSEC-1 (fixed in 3.1.3)"]
