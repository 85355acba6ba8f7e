"""Base images by digest: asked of Debian's registry, written to the file that builds read."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gatehouse_catalog import find_root
from gatehouse_catalog.base_images import FILE, base_images
from gatehouse_ci.images import build
from gatehouse_ci.images.base_digests import address, newest, pin_all
from gatehouse_release.adapters.registry import RegistryError
from gatehouse_release.testing.docker_registry import DockerRegistry, docker_registry

ROOT = find_root(Path(__file__))
RECIPES = ("services/Dockerfile", "db-manager/Dockerfile", "local/Dockerfile")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def tagged(server: DockerRegistry, text: str, architectures: tuple[str, ...] = ("amd64", "arm64")) -> str:
    """Pushes library/python:slim, and gives its digest."""
    digest = server.push("library/python", architectures, text=text)
    path = f"http://{server.host}/v2/library/python/manifests"
    kind = "application/vnd.oci.image.index.v1+json"
    content = server.http.get(f"{path}/{digest}", headers={"Accept": kind}).content
    server.http.put(f"{path}/slim", content=content, headers={"Content-Type": kind}).raise_for_status()
    return digest


def checkout(folder: Path, name: str) -> Path:
    file = folder / FILE
    file.parent.mkdir(parents=True)
    file.write_text(f"# why\nFROM {name}\n")
    return folder


def test_a_pin_is_the_digest_of_the_index_that_the_tag_leads_to_and_follows_it(
    server: DockerRegistry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    name = f"{server.host}/library/python:slim"
    first = tagged(server, "first")
    root = checkout(tmp_path, name)
    assert not pin_all(root, check=True)
    assert base_images(root)[0].reference == name, "a check writes nothing"
    assert not pin_all(root, check=False)
    assert base_images(root)[0].reference == f"{name}@{first}"
    assert pin_all(root, check=True)
    second = tagged(server, "second")
    assert not pin_all(root, check=True)
    assert f"{first} -> {second}" in capsys.readouterr().out
    pin_all(root, check=False)
    assert (root / FILE).read_text() == f"# why\nFROM {name}@{second}\n"


def test_what_would_build_for_one_architecture_only_or_is_not_there_is_no_pin(server: DockerRegistry, tmp_path: Path):
    name = f"{server.host}/library/python:slim"
    tagged(server, "half", ("amd64",))
    root = checkout(tmp_path, name)
    with pytest.raises(RegistryError, match="it lacks linux/arm64"):
        pin_all(root, check=False)
    with pytest.raises(RegistryError, match="There is no"):
        newest(f"{server.host}/library/python:none")
    with pytest.raises(RegistryError, match="can't be asked"):
        newest("127.0.0.1:9/library/python:slim")
    assert base_images(root)[0].digest == ""


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("python:3.13-slim-trixie", ("registry-1.docker.io/library", "python", "3.13-slim-trixie")),
        ("prom/prometheus:v3", ("registry-1.docker.io/prom", "prometheus", "v3")),
        ("ghcr.io/a/b/c:1", ("ghcr.io/a/b", "c", "1")),
        ("localhost:5000/a/b:1", ("localhost:5000/a", "b", "1")),
    ],
)
def test_a_name_is_read_as_docker_reads_it(name: str, asked: tuple[str, str, str]):
    assert address(name) == asked


@pytest.mark.parametrize("name", ["python", "localhost:5000/python"])
def test_a_name_without_a_tag_is_no_name(name: str):
    with pytest.raises(RegistryError, match="has no tag"):
        address(name)


def test_builds_stand_on_what_the_file_names(tmp_path: Path):
    """And recipes, when somebody builds by hand, on the same tag."""
    name = "python:3.13-slim-trixie"
    digest = "sha256:" + "a" * 64
    assert build.base_of(checkout(tmp_path / "pinned", f"{name}@{digest}")) == f"{name}@{digest}"
    assert build.base_of(checkout(tmp_path / "unpinned", name)) == name
    (known,) = base_images(ROOT)
    for recipe in RECIPES:
        (default,) = re.findall(r"^ARG PYTHON=(\S+)$", (ROOT / recipe).read_text(), re.MULTILINE)
        assert default == known.name, f"{recipe}: ARG PYTHON isn't what {FILE} names"


def test_a_line_that_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(ValueError, match=rf"{FILE}:2: FROM x@sha256:short isn't"):
        base_images(checkout(tmp_path, "x@sha256:short"))


def test_the_command_says_what_is_not_the_newest(server: DockerRegistry, tmp_path: Path, monkeypatch):
    from gatehouse_ci.images.commands import image

    tagged(server, "by command")
    root = checkout(tmp_path, f"{server.host}/library/python:slim")
    monkeypatch.setattr("gatehouse_catalog.find_root", lambda: root)
    run = CliRunner().invoke
    assert run(image, ["pin", "--check"]).exit_code == 1
    assert run(image, ["pin"]).exit_code == 0
    assert run(image, ["pin", "--check"]).exit_code == 0
