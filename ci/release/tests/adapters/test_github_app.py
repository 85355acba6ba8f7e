"""The App's tokens, against a server on loopback that checks the signature as GitHub documents it."""

import http.server
import json
import threading
from collections.abc import Generator

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gatehouse_release.adapters.github_app import TOKEN_SECONDS, AppToken, token_of
from gatehouse_release.ports import NotConfigured, PortFailed

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


class PlayedGithub:
    def __init__(self) -> None:
        self.address, self.given, self.installed = "", 0, True


@pytest.fixture
def github() -> Generator[PlayedGithub]:
    played = PlayedGithub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            signed = self.headers["authorization"].removeprefix("Bearer ")
            claims = jwt.decode(
                signed, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
            assert claims["iss"] == "Iv1.app"
            assert claims["exp"] - claims["iat"] <= 600
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.path == "/repos/institute/gatehouse/installation" and played.installed:
                self.reply(200, {"id": 7})
            elif self.path == "/app/installations/7/access_tokens":
                assert json.loads(body) == {"repositories": ["gatehouse"], "permissions": {"contents": "write"}}
                played.given += 1
                self.reply(201, {"token": f"token {played.given}"})
            else:
                self.reply(404, {})

        do_GET = do_POST = answer

        def reply(self, status: int, content: dict[str, object]) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        played.address = f"http://127.0.0.1:{listening.server_port}"
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield played
        listening.shutdown()


def test_a_token_is_made_anew_before_it_ends(github: PlayedGithub):
    now = [1_000_000.0]
    token = AppToken("Iv1.app", PEM, "institute/gatehouse", github.address, clock=lambda: now[0])
    assert (token(), token()) == ("token 1", "token 1")
    now[0] += TOKEN_SECONDS + 1  # a deployment took long
    assert token() == "token 2"


def test_an_app_that_is_not_installed_says_what_to_do(github: PlayedGithub):
    github.installed = False
    with pytest.raises(PortFailed, match="install the App there, with contents: write"):
        AppToken("Iv1.app", PEM, "institute/gatehouse", github.address)()
    with pytest.raises(NotConfigured, match="no private key"):
        AppToken("Iv1.app", "nonsense", "institute/gatehouse", github.address)()


def test_without_an_app_the_runs_own_token_pushes():
    run = {"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": "own"}
    own = token_of({**run, "GATEHOUSE_APP_ID": "", "GATEHOUSE_APP_KEY": ""})
    assert own is not None
    assert own() == "own"
    assert isinstance(token_of({**run, "GATEHOUSE_APP_ID": "Iv1.app", "GATEHOUSE_APP_KEY": PEM}), AppToken)
    assert token_of({"GITHUB_TOKEN": "own"}) is None
