"""The registry port against Debian's docker-registry: a real one, with and without sign-in."""

import base64
import datetime
import hashlib
import http.server
import json
import threading
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from gatehouse_release.adapters.registry import Credentials, OciRegistry, RegistryError
from gatehouse_release.testing.docker_registry import DockerRegistry, docker_registry

REPOSITORY = "institute/gatehouse"
NOWHERE = "sha256:" + "0" * 64
NOBODY = Credentials()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[DockerRegistry]:
    with docker_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def registry(server: DockerRegistry) -> Generator[OciRegistry]:
    with OciRegistry(f"{server.host}/{REPOSITORY}", credentials=NOBODY, first_wait=0) as opened:
        yield opened


def pushed(server: DockerRegistry, image: str, **content: Any) -> str:
    return server.push(f"{REPOSITORY}/{image}", **content)


def test_a_moving_tag_follows_the_image_it_was_put_on(server: DockerRegistry, registry: OciRegistry):
    first, second = pushed(server, "person", text="first"), pushed(server, "person", text="second")
    registry.tag("person", first, "dev")
    assert registry.digest("person", "dev") == first
    registry.tag("person", second, "dev")
    registry.tag("person", second, "dev")
    assert registry.digest("person", "dev") == second
    assert registry.digest("person", first) == first  # still there, by its digest


def test_what_is_not_there_is_none(server: DockerRegistry, registry: OciRegistry):
    pushed(server, "person")
    assert registry.digest("person", NOWHERE) is None
    assert registry.digest("person", "never") is None
    assert registry.digest("nobody", "dev") is None


def test_an_image_that_was_taken_away_is_no_longer_there(server: DockerRegistry, registry: OciRegistry):
    digest = pushed(server, "topics", text="short-lived")
    assert registry.digest("topics", digest) == digest
    server.lose(f"{REPOSITORY}/topics", digest)
    assert registry.digest("topics", digest) is None
    with pytest.raises(RegistryError, match=r"topics has no sha256:.*gate image build"):
        registry.tag("topics", digest, "test")


def test_an_index_names_its_platforms_and_its_images(server: DockerRegistry, registry: OciRegistry):
    digest = pushed(server, "partner")
    assert registry.platforms("partner", digest) == ("linux/amd64", "linux/arm64")
    images = {one.digest for one in registry.manifest("partner", digest).images}
    assert len(images) == 2
    assert registry.digests("partner", digest) == {digest, *images}


def test_annotations_are_the_labels_and_what_the_index_says(server: DockerRegistry, registry: OciRegistry):
    labels = {"org.opencontainers.image.revision": "abc", "org.opencontainers.image.version": "old"}
    said = {"org.opencontainers.image.version": "v1"}
    digest = pushed(server, "portal", labels=labels, annotations=said)
    assert registry.annotations("portal", digest) == {**labels, **said}


def test_a_registry_that_answers_with_something_else_is_not_trusted(server: DockerRegistry, registry: OciRegistry):
    """The blob on disk is exchanged for another: same length, another content."""
    digest = pushed(server, "identity", text="honest")
    hexadecimal = digest.removeprefix("sha256:")
    file = server.folder / f"data/docker/registry/v2/blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data"
    file.write_bytes(file.read_bytes().replace(b"amd64", b"amd32"))
    with pytest.raises(RegistryError, match="don't trust this registry"):
        registry.tag("identity", digest, "dev")


def test_a_tag_that_could_not_be_one_is_refused_before_anything_is_asked(registry: OciRegistry):
    with pytest.raises(RegistryError, match="can't be a tag"):
        registry.tag("person", NOWHERE, "not a tag")


def test_a_registry_that_is_not_there_is_named(tmp_path: Path):
    with (
        OciRegistry("127.0.0.1:1/institute/gatehouse", credentials=NOBODY, first_wait=0) as registry,
        pytest.raises(RegistryError, match=r"http://127.0.0.1:1/v2/ can't be asked.*does it run"),
    ):
        registry.digest("person", "dev")


def test_a_base_without_a_repository_is_refused():
    with pytest.raises(RegistryError, match="isn't HOST/REPOSITORY"):
        OciRegistry("ghcr.io")


def test_a_machine_without_the_registry_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="apt-get install docker-registry"), docker_registry(tmp_path):
        pass


# Sign-in. The password is "sesame"; its bcrypt hash was made once, at the least cost that the registry takes.
HTPASSWD = "deployer:$2b$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O\n"


def test_a_registry_with_passwords_lets_in_who_has_one(tmp_path: Path):
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    settings = {"auth": {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}}
    with docker_registry(tmp_path / "registry", **settings) as server:
        base = f"{server.host}/{REPOSITORY}"
        with OciRegistry(base, credentials=Credentials("deployer", "sesame")) as registry:
            assert registry.digest("person", "dev") is None
        for stranger in (NOBODY, Credentials("deployer", "wrong")):
            with (
                OciRegistry(base, credentials=stranger, first_wait=0) as registry,
                pytest.raises(RegistryError, match=r"refuses HEAD .* 401.*GATEHOUSE_REGISTRY_USER"),
            ):
                registry.digest("person", "dev")


class Tokens:
    """A token server as ghcr.io has one: who has the password may pull and push, others may pull."""

    def __init__(self, folder: Path) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of a test")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .sign(self.key, hashes.SHA256())
        )
        self.chain = [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
        self.bundle = folder / "tokens.pem"
        self.bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        self.asked: list[str] = []

    def token(self, scope: str, *, known: bool) -> str:
        kind, name, actions = scope.split(":")
        granted = [action for action in actions.split(",") if known or action == "pull"]
        now = datetime.datetime.now(datetime.UTC)
        claims = {
            "iss": "tokens",
            "aud": "registry",
            "sub": "someone",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "nbf": now - datetime.timedelta(seconds=5),
            "exp": now + datetime.timedelta(minutes=5),
            "access": [{"type": kind, "name": name, "actions": granted}],
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"x5c": self.chain})


@pytest.fixture(scope="module")
def signed_in(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[DockerRegistry, Tokens]]:
    """A registry that takes tokens only, and the one image in it."""
    folder = tmp_path_factory.mktemp("tokens")
    tokens = Tokens(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            (scope,) = parse_qs(urlsplit(self.path).query)["scope"]
            tokens.asked.append(scope)
            known = self.headers.get("authorization") == httpx_basic("deployer", "sesame")
            body = json.dumps({"token": tokens.token(scope, known=known)}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    with docker_registry(folder / "open") as server:
        server.push(f"{REPOSITORY}/person")
    realm = f"http://127.0.0.1:{listening.server_port}/token"
    auth = {"realm": realm, "service": "registry", "issuer": "tokens", "rootcertbundle": str(tokens.bundle)}
    with docker_registry(folder / "open", auth={"token": auth}) as server:
        yield server, tokens
    listening.shutdown()
    listening.server_close()


def httpx_basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_registry_with_tokens_is_read_without_and_written_with_an_account(signed_in: tuple[DockerRegistry, Tokens]):
    server, tokens = signed_in
    base = f"{server.host}/{REPOSITORY}"
    digest = an_index_of(server)
    tokens.asked.clear()
    with OciRegistry(base, credentials=Credentials("deployer", "sesame")) as registry:
        registry.tag("person", digest, "dev")
        assert registry.digest("person", "dev") == digest
    pull, push = f"repository:{REPOSITORY}/person:pull", f"repository:{REPOSITORY}/person:pull,push"
    assert tokens.asked == [pull, push]  # each asked for once, then remembered
    with OciRegistry(base, credentials=NOBODY, first_wait=0) as registry:
        assert registry.digest("person", "dev") == digest
        with pytest.raises(RegistryError, match=r"refuses PUT .* 401"):
            registry.tag("person", digest, "test")


def an_index_of(server: DockerRegistry) -> str:
    """The index that the registry stores, found by what it is."""
    blobs = server.folder.glob("data/docker/registry/v2/blobs/sha256/*/*/data")
    content = next(found for found in (blob.read_bytes() for blob in blobs) if b'"manifests"' in found)
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_credentials_do_not_go_to_a_token_server_without_tls(monkeypatch: pytest.MonkeyPatch):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Bearer realm="http://tokens.example/token",service="x"')
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        base = f"127.0.0.1:{listening.server_port}/{REPOSITORY}"
        with (
            OciRegistry(base, credentials=Credentials("deployer", "sesame"), first_wait=0) as registry,
            pytest.raises(RegistryError, match="isn't HTTPS"),
        ):
            registry.digest("person", "dev")
        listening.shutdown()


def test_credentials_come_from_the_environment_and_are_never_shown():
    environ = {"GITHUB_ACTOR": "octo", "GITHUB_TOKEN": "hidden"}
    assert Credentials.of(environ) == Credentials("octo", "hidden")
    own = {"GATEHOUSE_REGISTRY_USER": "me", "GATEHOUSE_REGISTRY_PASSWORD": "hidden", **environ}
    assert Credentials.of(own) == Credentials("me", "hidden")
    assert Credentials.of({}) == NOBODY
    assert "hidden" not in repr(Credentials.of(own))
