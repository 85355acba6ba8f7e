"""Joining what each architecture's machine pushed, in Debian's registry: one index, or a sentence and none."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_catalog.releases import Release
from gatehouse_ci.images.index import CREATED, REVISION, VERSION, CantJoin, join, release, sbom
from gatehouse_release.adapters.registry import DOCKER_MANIFEST, INDEX, Credentials, OciRegistry
from gatehouse_release.testing.docker_registry import DockerRegistry, docker_registry

ROOT = find_root(Path(__file__))
CATALOG = load_catalog(ROOT)
REPOSITORY = "institute/gatehouse"
COMMIT = "1" * 40
TITLE = "org.opencontainers.image.title"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def registry(server: DockerRegistry) -> Generator[OciRegistry]:
    with OciRegistry(f"{server.host}/{REPOSITORY}", credentials=Credentials(), first_wait=0) as opened:
        yield opened


def pushed(
    server: DockerRegistry, image: str, tag: str, *architectures: str, commit: str = COMMIT, **content: Any
) -> None:
    """What `gate image build --push` leaves of each architecture: one manifest, under the tag of its part."""
    for architecture in architectures:
        labels = {
            REVISION: commit,
            CREATED: "2026-11-23T03:00:00+00:00",
            TITLE: image,
            VERSION: f"{tag}-{architecture}",
        }
        index = server.push(f"{REPOSITORY}/{image}", architectures=(architecture,), labels=labels, **content)
        address = f"http://{server.host}/v2/{REPOSITORY}/{image}/manifests"
        inner = server.http.get(f"{address}/{index}", headers={"Accept": INDEX}).json()["manifests"][0]
        alone = server.http.get(f"{address}/{inner['digest']}", headers={"Accept": inner["mediaType"]})
        _put(server.http, f"{address}/{tag}-{architecture}", alone.content, inner["mediaType"])


def _put(http: httpx.Client, address: str, content: bytes, media_type: str) -> None:
    http.put(address, content=content, headers={"Content-Type": media_type}).raise_for_status()


def test_parts_become_one_index(server: DockerRegistry, registry: OciRegistry):
    pushed(server, "person", "v1", "amd64", "arm64")
    digest = join(registry, "person", "v1")
    assert registry.digest("person", "v1") == digest
    assert registry.platforms("person", digest) == ("linux/amd64", "linux/arm64")
    told = registry.annotations("person", digest)
    assert (told[REVISION], told[VERSION], told[TITLE]) == (COMMIT, "v1", "person")
    assert join(registry, "person", "v1") == digest


def test_a_part_that_was_pushed_as_an_index_counts_as_what_is_in_it(server: DockerRegistry, registry: OciRegistry):
    """BuildKit pushes an index, with what it attests beside the image."""
    pushed(server, "topics", "v1", "amd64")
    index = server.push(f"{REPOSITORY}/topics", architectures=("arm64",), labels={REVISION: COMMIT})
    registry.tag("topics", index, "v1-arm64")
    digest = join(registry, "topics", "v1")
    assert registry.platforms("topics", digest) == ("linux/amd64", "linux/arm64")


def test_what_the_classic_builder_pushes_can_be_joined(server: DockerRegistry, registry: OciRegistry):
    pushed(server, "identity", "v1", "amd64", "arm64")
    for architecture in ("amd64", "arm64"):
        _, content, _ = registry.whole("identity", f"v1-{architecture}")
        manifest: dict[str, Any] = {**json.loads(content), "mediaType": DOCKER_MANIFEST}
        manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
        for layer in manifest["layers"]:
            layer["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
        address = f"http://{server.host}/v2/{REPOSITORY}/identity/manifests/v1-{architecture}"
        _put(server.http, address, json.dumps(manifest).encode(), DOCKER_MANIFEST)
    assert registry.platforms("identity", join(registry, "identity", "v1")) == ("linux/amd64", "linux/arm64")


def test_a_missing_part_makes_no_index(server: DockerRegistry, registry: OciRegistry):
    pushed(server, "partner", "v1", "amd64")
    with pytest.raises(Exception, match=r"partner has no v1-arm64. Fix: build and push it"):
        join(registry, "partner", "v1")
    assert registry.digest("partner", "v1") is None


def test_parts_of_different_commits_or_architectures_make_none(server: DockerRegistry, registry: OciRegistry):
    pushed(server, "portal", "v1", "amd64")
    pushed(server, "portal", "v1", "arm64", commit="2" * 40)
    with pytest.raises(CantJoin, match=r"built from different commits"):
        join(registry, "portal", "v1")
    found = registry.digest("portal", "v1-amd64")
    assert found
    registry.tag("portal", found, "v1-arm64")
    with pytest.raises(CantJoin, match=r"is an image for amd64, not arm64"):
        join(registry, "portal", "v1")
    assert registry.digest("portal", "v1") is None


def test_a_release_is_both_images_and_what_their_database_brings(server: DockerRegistry, registry: OciRegistry):
    for image in ("person", "person-database"):
        pushed(server, image, "v2", "amd64", "arm64", text="two")
    made = release(ROOT, CATALOG, CATALOG["person"], registry, "v2")
    assert made.digest == registry.digest("person", "v2")
    assert made.database_digest == registry.digest("person-database", "v2")
    assert (made.tag, made.commit) == ("v2", COMMIT)
    assert made.collections["person"].count(".") == 3
    assert msgspec.json.decode(msgspec.json.encode(made), type=Release) == made


def test_the_command_writes_what_promotion_reads(server: DockerRegistry, tmp_path: Path):
    for image in ("topics", "topics-database"):
        pushed(server, image, "v3", "amd64", "arm64", text="three")
        pushed(server, image.replace("topics", "person"), "v3", "amd64", "arm64", text="three")
    environ = {**os.environ, "GATEHOUSE_REGISTRY": f"{server.host}/{REPOSITORY}"}
    # A workflow gives all services as one word.
    words = ["image", "index", "person topics", "--tag", "v3", "--output", str(tmp_path / "release")]
    command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(ROOT), *words]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    made = msgspec.json.decode((tmp_path / "release" / "topics.json").read_bytes(), type=Release)
    names = ("person", "person-database", "topics", "topics-database")
    folders = {"release": {"person.json", "topics.json"}, "release/sbom": {f"{name}.cdx.json" for name in names}}
    for folder, files in folders.items():
        assert {file.name for file in (tmp_path / folder).iterdir() if file.is_file()} == files
    lines = (tmp_path / "release" / "attest" / "subjects.txt").read_text().splitlines()
    subjects = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert subjects.keys() == {f"{server.host}/{REPOSITORY}/{name}" for name in names} | folders["release/sbom"]
    assert subjects[f"{server.host}/{REPOSITORY}/topics"] == made.digest.removeprefix("sha256:")
    listed = (tmp_path / "release" / "sbom" / "person.cdx.json").read_bytes()
    assert subjects["person.cdx.json"] == hashlib.sha256(listed).hexdigest()


def test_every_image_has_a_list_of_its_packages():
    lists = {image: json.loads(text) for image, text in sbom(ROOT, CATALOG, CATALOG["person"]).items()}
    inside = {image: {one["name"] for one in told["components"]} for image, told in lists.items()}
    assert set(inside) == {"person", "person-database"}
    assert "litestar" in inside["person"]
    assert "psycopg" in inside["person-database"]
    assert "pytest" not in inside["person"] | inside["person-database"]
