"""The image registry, by the OCI distribution API: what is there, under which digest, and moving tags.

Reads, tags and joins what was pushed; it never pushes an image and never deletes. A manifest that was read is checked
against its digest, so that nothing which changed on the way is taken for what was meant.
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import hashlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from gatehouse_release.adapters.attestations import Attestations
from gatehouse_release.adapters.registry_auth import LOOPBACK, PASSWORD, USER, Answerer, Credentials, RegistryError
from gatehouse_release.git.files import stack_config
from gatehouse_release.ports import NotConfigured

__all__ = ["Credentials", "OciRegistry", "RegistryError", "connect"]

BASE = "GATEHOUSE_REGISTRY"
GITHUB = "ghcr.io"

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({INDEX, DOCKER_INDEX})
ACCEPT = ", ".join((INDEX, DOCKER_INDEX, MANIFEST, DOCKER_MANIFEST))
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# What passes by itself: too many requests, and gateways that look elsewhere. Waits double: 0.5, 1, 2 s.
PASSING = frozenset({429, 502, 503, 504})
ATTEMPTS = 4
FIRST_WAIT = 0.5
TIMEOUT = httpx.Timeout(20.0, connect=5.0)
# Attestations stand in an index beside the images, as platform unknown/unknown.
UNKNOWN = "unknown"


def connect(root: Path, environ: Mapping[str, str]) -> "OciRegistry":
    """GATEHOUSE_REGISTRY (HOST/REPOSITORY), or GitHub's registry for the repository that the stack files name."""
    base = environ.get(BASE, "")
    if not base:
        repository = stack_config(root, "dev").get("gatehouse:repository")
        if not repository:
            raise NotConfigured("No image registry is known.", f"Fix: set {BASE} to HOST/REPOSITORY.")
        base = f"{GITHUB}/{repository}".lower()
    owner = environ.get("GITHUB_REPOSITORY") or str(stack_config(root, "dev").get("gatehouse:repository", ""))
    return OciRegistry(base, credentials=Credentials.of(environ), attestations=Attestations(owner, environ))


class ImagePlatform(msgspec.Struct, frozen=True, kw_only=True):
    architecture: str = UNKNOWN
    os: str = UNKNOWN


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    media_type: str
    digest: str
    size: int
    platform: ImagePlatform | None = None
    annotations: dict[str, str] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What we read of an index (`manifests`) or of one architecture's image (`config`, `layers`)."""

    media_type: str = ""
    manifests: tuple[Descriptor, ...] = ()
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    annotations: dict[str, str] = {}

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The architectures of an index, without attestations."""
        return tuple(one for one in self.manifests if one.platform is not None and one.platform.os != UNKNOWN)


class OciRegistry:
    """The images below one base, such as `ghcr.io/agile-learning-institute/gatehouse`. Use as a context, or `close` it.

    An image is named by its last part: `person`, `person-database`. Every method raises RegistryError when the registry
    can't be asked or refuses; what merely isn't there is None.
    """

    def __init__(
        self,
        base: str,
        *,
        credentials: Credentials | None = None,
        attestations: Attestations | None = None,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        self._attestations = attestations
        self.base = base.removeprefix("https://").removeprefix("http://").strip("/")
        host, _, self._repository = self.base.partition("/")
        if not host or not self._repository:
            raise RegistryError(
                f"The registry's base {base!r} isn't HOST/REPOSITORY, as in ghcr.io/institute/gatehouse."
            )
        address = httpx.URL(f"//{host}")
        # As Docker does: a registry on this machine is spoken to without TLS, any other with.
        scheme = "http" if address.host in LOOPBACK else "https"
        self._http = httpx.Client(base_url=f"{scheme}://{host}/v2/", timeout=TIMEOUT, follow_redirects=True)
        self._answerer = Answerer(self._http, Credentials.of() if credentials is None else credentials)
        self._first_wait = first_wait

    def __enter__(self) -> "OciRegistry":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def name(self, image: str) -> str:
        """What `docker pull` takes, without tag or digest."""
        return f"{self.base}/{image}"

    def digest(self, image: str, reference: str) -> str | None:
        """The digest that a tag (or a digest) leads to; None when there is no such image."""
        answer = self._ask("HEAD", image, f"manifests/{reference}", accept=ACCEPT)
        if answer is None:
            return None
        found = answer.headers.get("docker-content-digest", "")
        if not DIGEST.fullmatch(found):
            return self._manifest(image, reference)[0]
        return self._as_asked(image, reference, found)

    def tag(self, image: str, digest: str, tag: str) -> None:
        """Puts a (moving) tag on an image that is there. Doing it twice changes nothing."""
        if not TAG.fullmatch(tag):
            raise RegistryError(f"{tag!r} can't be a tag: letters, digits, `.`, `_` and `-`, 128 at most.")
        _, media_type, content = self._manifest(image, digest)
        self.put(image, tag, content, media_type)

    def put(self, image: str, tag: str, content: bytes, media_type: str) -> str:
        """Puts an index of what is there already, under a tag; gives its digest. Doing it twice changes nothing."""
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        answer = self._ask("PUT", image, f"manifests/{tag}", content=content, media_type=media_type)
        if answer is None:
            raise RegistryError(f"{self.name(image)}:{tag} can't be written: the registry knows no such repository.")
        return self._as_asked(image, digest, answer.headers.get("docker-content-digest", digest))

    def manifest(self, image: str, reference: str) -> Manifest:
        """An index or a manifest, checked against its digest. Raises RegistryError when it isn't there."""
        return self.whole(image, reference)[2]

    def whole(self, image: str, reference: str) -> tuple[str, bytes, Manifest]:
        """(digest, the bytes as they were pushed, what we read of them); otherwise as `manifest`."""
        digest, media_type, content = self._manifest(image, reference)
        try:
            read = msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError as error:
            raise RegistryError(f"{self.name(image)} at {reference} is no image: {error}.") from error
        return digest, content, read if read.media_type else msgspec.structs.replace(read, media_type=media_type)

    def config(self, image: str, reference: str) -> dict[str, Any]:
        """The configuration of one architecture's image: `architecture`, `os`, labels."""
        described = self.manifest(image, reference).config
        if described is None:
            raise RegistryError(f"{self.name(image)} at {reference} is no image of one architecture.")
        return msgspec.json.decode(self._blob(image, described.digest), type=dict[str, Any])

    def digests(self, image: str, digest: str) -> frozenset[str]:
        """By what a running task may name this image: its index's digest, and that of each architecture's image."""
        return frozenset({digest, *(one.digest for one in self.manifest(image, digest).images)})

    def unattested(self, image: str, digest: str) -> str:
        """Why it isn't proven that this repository's build made the image; empty when it is."""
        if self._attestations is None:
            raise NotConfigured("Nobody said whose attestations count.", "Fix: open the registry by connect().")
        return self._attestations.why_not(self.name(image), digest)

    def platforms(self, image: str, reference: str) -> tuple[str, ...]:
        """What it runs on: `("linux/amd64", "linux/arm64")`; empty for an image without an index."""
        found = (one.platform for one in self.manifest(image, reference).images)
        return tuple(sorted(f"{one.os}/{one.architecture}" for one in found if one is not None))

    def annotations(self, image: str, digest: str) -> dict[str, str]:
        """The labels of the image's configuration, then the manifest's annotations, then the index's: the last wins."""
        top = self.manifest(image, digest)
        inner = self.manifest(image, top.images[0].digest) if top.images else top
        labels = {}
        if inner.config is not None:
            content = self._blob(image, inner.config.digest)
            labels = (msgspec.json.decode(content, type=dict[str, Any]).get("config") or {}).get("Labels") or {}
        return {**labels, **inner.annotations, **top.annotations}

    def _blob(self, image: str, digest: str) -> bytes:
        answer = self._ask("GET", image, f"blobs/{digest}")
        if answer is None:
            raise RegistryError(f"{self.name(image)} has no blob {digest}: the image is torn. Fix: build it again.")
        return self._checked(image, digest, answer.content)

    def _manifest(self, image: str, reference: str) -> tuple[str, str, bytes]:
        """(digest, media type, the bytes as they were pushed)"""
        answer = self._ask("GET", image, f"manifests/{reference}", accept=ACCEPT)
        if answer is None:
            raise RegistryError(
                f"{self.name(image)} has no {reference}. Fix: build and push it (`gate image build --push`)."
            )
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        self._as_asked(image, reference, found)
        return found, answer.headers.get("content-type", MANIFEST).partition(";")[0], answer.content

    def _checked(self, image: str, digest: str, content: bytes) -> bytes:
        self._as_asked(image, digest, f"sha256:{hashlib.sha256(content).hexdigest()}")
        return content

    def _as_asked(self, image: str, reference: str, found: str) -> str:
        if DIGEST.fullmatch(reference) and found != reference:
            raise RegistryError(f"{self.name(image)}@{reference} answers with {found}: don't trust this registry.")
        return found

    def _ask(
        self,
        method: str,
        image: str,
        what: str,
        *,
        accept: str = "*/*",
        content: bytes | None = None,
        media_type: str = "",
    ) -> httpx.Response | None:
        """One question, signed in when the registry asks for it; None for 404."""
        scope = f"repository:{self._repository}/{image}:{'pull,push' if method == 'PUT' else 'pull'}"
        headers = {"Accept": accept} | ({"Content-Type": media_type} if media_type else {})
        path = f"{self._repository}/{image}/{what}"
        answer = self._send(method, path, content, headers | self._answerer.headers(scope))
        if answer.status_code == 401 and self._answerer.answer(answer, scope):
            answer = self._send(method, path, content, headers | self._answerer.headers(scope))
        if answer.status_code == 404:
            return None
        if answer.is_success:
            return answer
        raise RegistryError(_refused(method, answer))

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str]) -> httpx.Response:
        wait = self._first_wait
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._http.request(method, path, content=content, headers=headers)
            except httpx.HTTPError as error:
                if attempt == ATTEMPTS:
                    raise RegistryError(
                        f"The registry {self._http.base_url} can't be asked: {error}. Fix: is the address right, and "
                        "does it run?"
                    ) from error
            else:
                if answer.status_code not in PASSING or attempt == ATTEMPTS:
                    return answer
            time.sleep(wait)
            wait *= 2
        raise AssertionError("unreachable: the last attempt returns or raises")


def _refused(method: str, answer: httpx.Response) -> str:
    try:
        errors = answer.json()["errors"]
        said = "; ".join(f"{error.get('code', '')} {error.get('message', '')}".strip() for error in errors)
    except (ValueError, KeyError, TypeError, AttributeError):
        said = answer.reason_phrase
    fix = (
        f" Fix: set {USER} and {PASSWORD} to one who may do that (in GitHub Actions: `permissions: packages`)."
        if answer.status_code in {401, 403}
        else ""
    )
    return f"The registry refuses {method} {answer.request.url}: {answer.status_code} {said}.{fix}"
