"""`gate probe`: what it says of a platform that is well, away, or well only on the outside."""

import asyncio
import inspect
import json
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gatehouse_local.testing.pytest_plugin import free_port
from gatehouse_observability.probe.command import probe
from gatehouse_observability.probe.visit import ProbeExporter, ProbeOutcome, exposition, visit

SIGN_IN, OPTIONS, LIST = "/sign-in", "/api/identity/sign-in/options", "/api/topics/paths"
SESSIONS, TOKEN = "/api/identity/personas/member/sessions", "/api/identity/token"
Answers = dict[str, tuple[int, Any]]
WELL: Answers = {
    SIGN_IN: (200, "<!doctype html><html></html>"),
    OPTIONS: (200, {"personas": True}),
    SESSIONS: (201, {"access_token": "t"}),
    LIST: (200, {"items": []}),
}
REFUSED = (401, {"type": "urn:gatehouse:problem:unauthenticated", "detail": "Sign in first."})


class Site:
    """A platform with answers by path; `asked` is what it was sent."""

    def __init__(self) -> None:
        self.answers: Answers = {**WELL}
        self.asked: list[tuple[str, str, Any]] = []
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("Authorization", ""), await request.read()))
        status, content = self.answers[request.path]
        if isinstance(content, str):
            return web.Response(status=status, text=content, content_type="text/html")
        return web.Response(status=status, body=json.dumps(content).encode(), content_type="application/json")


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Site]:
    monkeypatch.delenv("GATEHOUSE_PROBE_CLIENT_ID", raising=False)
    found, port = Site(), free_port()
    runner = web.ServerRunner(web.Server(found.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    found.url = f"http://127.0.0.1:{port}"
    yield found
    await runner.cleanup()


async def visited(url: str) -> ProbeOutcome:
    return await asyncio.to_thread(visit, url, seconds=30)


async def test_who_is_well_lets_a_member_in(site: Site):
    outcome = await visited(f"{site.url}/")
    assert (outcome.failed, outcome.note) == ("", "")
    assert [step.name for step in outcome.steps] == ["read the sign-in page", "sign in", "read a list"]
    assert site.asked[-1][:2] == (LIST, "Bearer t")


async def test_in_an_environment_it_signs_in_as_a_service_client(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GATEHOUSE_PROBE_CLIENT_ID", "probe")
    monkeypatch.setenv("GATEHOUSE_PROBE_CLIENT_SECRET", "s")
    site.answers[TOKEN] = (200, {"access_token": "u"})
    assert (await visited(site.url)).failed == ""
    given = {path: body for path, _, body in site.asked}
    assert json.loads(given[TOKEN]) == {
        "grant_type": "client_credentials",
        "audience": "topics",
        "client_id": "probe",
        "client_secret": "s",
    }
    assert SESSIONS not in given


async def test_with_no_way_to_sign_in_it_is_a_stranger_who_must_be_refused(site: Site):
    site.answers |= {OPTIONS: (200, {"personas": False}), LIST: REFUSED}
    outcome = await visited(site.url)
    assert outcome.failed == ""
    assert "GATEHOUSE_PROBE_CLIENT_ID isn't set" in outcome.note
    site.answers[LIST] = (200, {"items": []})
    assert (await visited(site.url)).failed == "read a list: GET /api/topics/paths?limit=1 answered 200"


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (SIGN_IN, (503, {"detail": "No process of portal is ready."}), "503: No process of portal is ready."),
        (SIGN_IN, (200, "Welcome to nginx"), "read the sign-in page: GET /sign-in answered 200"),
        (SIGN_IN, (301, ""), "GET /sign-in answered 301"),
        (OPTIONS, (502, "bad gateway"), f"sign in: GET {OPTIONS} answered 502"),
        (SESSIONS, (500, {}), f"sign in: POST {SESSIONS} answered 500"),
        (SESSIONS, (201, {}), f"sign in: POST {SESSIONS} answered 201"),
        (LIST, (200, "<html>a page</html>"), "read a list: GET /api/topics/paths?limit=1 answered 200"),
        (LIST, REFUSED, "answered 401: Sign in first."),
    ],
)
async def test_the_first_step_that_fails_is_named(site: Site, path: str, answer: tuple[int, Any], words: str):
    site.answers[path] = answer
    outcome = await visited(site.url)
    assert words in outcome.failed
    assert site.asked[-1][0] == path


async def test_who_isnt_there_and_who_has_no_name_is_told_apart():
    gone = f"http://127.0.0.1:{free_port()}"
    assert "Connection refused" in (await visited(gone)).failed
    assert "hang.invalid can't be resolved" in (await visited("http://hang.invalid")).failed


def outcomes(failed: str) -> Callable[..., Any]:
    def told(url: str, *, seconds: float) -> ProbeOutcome:
        return ProbeOutcome(url=url, steps=[], failed=failed)

    return told


@pytest.mark.parametrize(("failed", "code"), [("", 0), ("sign in: POST /x answered 500", 1)])
def test_the_exit_code_says_whether_it_can_be_used(monkeypatch: pytest.MonkeyPatch, failed: str, code: int):
    monkeypatch.setattr("gatehouse_observability.probe.visit.visit", outcomes(failed))
    done = CliRunner().invoke(probe, ["http://127.0.0.1:1"])
    assert done.exit_code == code
    assert ("can be used" if not failed else f"Error: http://127.0.0.1:1 can't be used. {failed}") in done.output


@pytest.mark.parametrize("url", ["gatehouse.example.org", "ftp://example.org", "http://"])
def test_an_address_is_written_whole(url: str):
    done = CliRunner().invoke(probe, [url])
    assert done.exit_code == 2
    assert "https://gatehouse.example.org" in done.output


async def test_its_gauge_goes_to_zero_with_the_fault_and_back_with_its_end(site: Site):
    """What ProbeFailing reads (test_rules.py has the alert itself)."""
    address = site.url.removeprefix("http://")
    assert f'gatehouse_probe_success{{address="{address}"}} 1\n' in exposition(await visited(site.url))
    site.answers[LIST] = (500, {})
    assert f'gatehouse_probe_success{{address="{address}"}} 0\n' in exposition(await visited(site.url))
    site.answers[LIST] = WELL[LIST]
    assert f'gatehouse_probe_success{{address="{address}"}} 1\n' in exposition(await visited(site.url))


async def test_it_can_be_scraped(site: Site):
    port = free_port()

    def scraped() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return answer.read().decode()

    exporter = ProbeExporter(site.url, host="127.0.0.1", port=port, seconds=30)
    exporter.start()
    async with asyncio.timeout(60):
        while "gatehouse_probe_success" not in (text := await asyncio.to_thread(scraped)):
            pass
    await asyncio.to_thread(exporter.stop)
    assert text.endswith("\n")
    assert "gatehouse_probe_seconds{" in text


def certificate(folder: Path, ends: datetime) -> Path:
    """One for 127.0.0.1 that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(ends - timedelta(days=90)).not_valid_after(ends)
    signed = builder.add_extension(address, critical=False).sign(key, hashes.SHA256())
    file = folder / "both.pem"
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + signed.public_bytes(Encoding.PEM))
    return file


@pytest.mark.parametrize("days", [30, -1])
async def test_when_its_certificate_ends_is_a_gauge_until_it_has_ended(
    site: Site, days: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    file = certificate(tmp_path, ends)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))  # whom it trusts
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    runner, port = web.ServerRunner(web.Server(site.handle)), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    outcome = await visited(f"https://127.0.0.1:{port}")
    await runner.cleanup()
    gauge = f'gatehouse_probe_certificate_expiry_seconds{{address="127.0.0.1:{port}"}} {int(ends.timestamp())}'
    assert (gauge in exposition(outcome)) == (days > 0)
    assert ("the certificate isn't accepted" in outcome.failed) == (days < 0)


def test_the_file_alone_is_the_probe():
    """In AWS and in compose it is run by an image that has nothing of this package."""
    done = subprocess.run([sys.executable, "-I", "-S", visit_file(), "--help"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"--listen" in done.stdout


def visit_file() -> str:
    return str(inspect.getsourcefile(visit))
