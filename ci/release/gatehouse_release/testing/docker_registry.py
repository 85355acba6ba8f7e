"""For tests of delivery: Debian's own registry on loopback, and small images made by hand and pushed to it.

No Docker engine is needed: an image is a few blobs and manifests, put there by HTTP.
"""

import contextlib
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gatehouse_release.adapters.registry import INDEX, MANIFEST

PROGRAM = "docker-registry"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
LISTENING = re.compile(r'msg="listening on (127\.0\.0\.1:\d+)"')
STARTS_WITHIN = 20.0  # seconds; it takes 0.1


class DockerRegistry(msgspec.Struct, frozen=True, kw_only=True):
    """A running registry: `host` as images name it."""

    host: str
    folder: Path
    http: httpx.Client  # one for all: each of its own would load the certificates again (50 ms)

    def push(self, image: str, architectures: tuple[str, ...] = ("amd64", "arm64"), **content: Any) -> str:
        """Pushes an index of small images to `REPOSITORY/NAME` and gives its digest. See `an_image` for `content`."""
        manifests = [self._push_one(image, architecture, **content) for architecture in architectures]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        annotations = content.get("annotations")
        return self._put(image, INDEX, index | ({"annotations": annotations} if annotations else {}))["digest"]

    def blob(self, image: str, content: bytes) -> str:
        """Pushes a blob and gives its digest."""
        digest = _digest(content)
        started = self.http.post(f"http://{self.host}/v2/{image}/blobs/uploads/")
        started.raise_for_status()
        location = httpx.URL(started.headers["location"]).copy_merge_params({"digest": digest})
        octets = {"Content-Type": "application/octet-stream"}
        self.http.put(location, content=content, headers=octets).raise_for_status()
        return digest

    def lose(self, image: str, digest: str) -> None:
        """Takes an image away, as a retention rule does."""
        self.http.delete(f"http://{self.host}/v2/{image}/manifests/{digest}").raise_for_status()

    def _push_one(
        self,
        image: str,
        architecture: str,
        *,
        text: str = "nothing yet",
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The image of one architecture; `text` is what it holds, so that another text makes another digest."""
        layer = gzip.compress(f"{architecture}: {text}".encode(), mtime=0)
        config = {
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer))]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._described(image, CONFIG, json.dumps(config).encode()),
            "layers": [self._described(image, LAYER, layer)],
        }
        if annotations:
            manifest["annotations"] = dict(annotations)
        return {**self._put(image, MANIFEST, manifest), "platform": {"architecture": architecture, "os": "linux"}}

    def _described(self, image: str, media_type: str, content: bytes) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": self.blob(image, content), "size": len(content)}

    def _put(self, image: str, media_type: str, manifest: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps(manifest).encode()
        digest = _digest(content)
        address = f"http://{self.host}/v2/{image}/manifests/{digest}"
        self.http.put(address, content=content, headers={"Content-Type": media_type}).raise_for_status()
        return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextlib.contextmanager
def docker_registry(folder: Path, **settings: Any) -> Generator[DockerRegistry]:
    """Starts Debian's registry with its files below `folder`; `settings` go into its configuration (such as `auth`)."""
    program = shutil.which(PROGRAM)
    if program is None:
        pytest.skip(f"{PROGRAM} isn't installed. Fix: apt-get install {PROGRAM}")
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": "127.0.0.1:0", "secret": "for-tests-only"},
        **settings,
    }
    # JSON is YAML.
    (folder / "registry.yaml").write_text(json.dumps(configuration))
    with (folder / "registry.log").open("w") as log:
        command = [program, "serve", str(folder / "registry.yaml")]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - found above
        try:
            with httpx.Client() as http:
                yield DockerRegistry(host=_listening(process, folder / "registry.log"), folder=folder, http=http)
        finally:
            process.terminate()
            process.wait(10)


def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """HOST:PORT, as soon as the registry says it: it chose a free port itself."""
    deadline = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        if said := LISTENING.search(log.read_text()):
            return said[1]
        time.sleep(0.02)
    raise RuntimeError(f"{PROGRAM} didn't start:\n{log.read_text()}")
