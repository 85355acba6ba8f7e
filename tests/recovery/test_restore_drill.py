"""The restore drill: back up, decide and write, restore, and read from outside. `gate db backup|restore` does the work.

It prints how long the restore took (RTO) and how much it took back (RPO): what came after the backup, but for what
ended a right.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from rich.console import Console

from gatehouse_catalog import find_root
from gatehouse_local.testing.shared_process import Facts, shared
from gatehouse_local.testing.waiting import until

ROOT = find_root(Path(__file__).parent)
ACCOUNT = "019a0000-0002-7000-8000-000000000012"
pytestmark = [pytest.mark.deep, pytest.mark.timeout(600)]


@pytest.fixture
def institute(tmp_path: Path) -> Iterator[Facts]:
    with shared(tmp_path, "platform", timeout=180) as facts:
        yield facts


@pytest.fixture
def http(institute: Facts) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=institute["url"], timeout=30, trust_env=False) as client:
        yield client


def gate(institute: Facts, *words: str) -> str:
    command = [sys.executable, "-m", "gatehouse_local.gate", *words, "--state", institute["state"]]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def signed_in(http: httpx.Client, persona: str) -> dict[str, Any]:
    return http.post(f"/api/identity/personas/{persona}/sessions").raise_for_status().json()


def bearer(tokens: dict[str, Any], **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}", **more}


def refreshed(http: httpx.Client, tokens: dict[str, Any]) -> httpx.Response:
    return http.post("/api/identity/sessions/refresh", json={"refresh_token": tokens["refresh_token"]})


def shown_to(http: httpx.Client, service: str, tokens: dict[str, Any]) -> dict[str, str]:
    """The headers for that service: a session's token is for identity, and others want one of their own."""
    asked = {"subject_token": tokens["access_token"], "audience": service}
    return bearer(http.post("/api/identity/token/exchange", json=asked).raise_for_status().json())


def reads(http: httpx.Client, path: str, tokens: dict[str, Any]) -> bool:
    """Whether the service answers. A refusal won't pass by waiting, so it fails at once."""
    answer = http.get(f"/api/{path}?limit=1", headers=shown_to(http, path.partition("/")[0], tokens))
    assert answer.status_code in {200, 503}, f"{path}: {answer.status_code} {answer.text}"
    return answer.status_code == 200


def role_of_another(http: httpx.Client, admin: dict[str, Any]) -> dict[str, Any]:
    new = {"account_id": ACCOUNT, "role": "mentor", "reason": "for the drill"}
    return http.post("/api/identity/role-grants", json=new, headers=bearer(admin)).raise_for_status().json()


def test_a_restore_brings_no_right_back_and_signs_nobody_out(institute: Facts, http: httpx.Client) -> None:
    admin, browser, program, out = [signed_in(http, name) for name in ("admin", "member", "engineer", "mentor")]
    grant = role_of_another(http, admin)
    before = people(institute)
    backed_up_at = time.monotonic()
    gate(institute, "db", "backup")

    path = f"/api/identity/role-grants/{grant['id']}"
    revoked = http.post(f"{path}/revoke", json={"reason": "over"}, headers=bearer(admin, **{"If-Match": '"1"'}))
    assert revoked.status_code == 200, revoked.text
    assert http.delete("/api/identity/sessions/current", headers=bearer(out)).status_code == 204
    newest = refreshed(http, program).raise_for_status().json()
    keys = http.get("/api/identity/keys", headers=bearer(admin)).json()["keys"]
    leaked = next(key["kid"] for key in keys if key["state"] == "active")
    assert http.post(f"/api/identity/keys/{leaked}/withdraw", headers=bearer(admin)).status_code == 200
    lost_seconds = time.monotonic() - backed_up_at

    began = time.monotonic()
    said = gate(institute, "db", "restore", "--yes")
    until(lambda: http.get("/api/identity/jwks.json").status_code == 200, "identity to answer again")
    # Black-box reads, each service's.
    admin = refreshed(http, admin).raise_for_status().json()
    for reading in ("person/people", "topics/resources", "partner/partners", "identity/accounts"):
        until(lambda r=reading, who=admin: reads(http, r, who), reading)
    minutes = (time.monotonic() - began) / 60

    assert "1 roles revoked" in said
    assert http.get(path, headers=bearer(admin)).json()["revoked_at"] is not None, "0 revoked roles back"
    assert refreshed(http, out).status_code == 401
    assert leaked not in [key["kid"] for key in http.get("/api/identity/jwks.json").json()["keys"]]
    for tokens in (browser, newest):
        assert refreshed(http, tokens).status_code == 200, "0 sessions wrongly ended"
    assert people(institute) == before
    Console().print(
        f"0 revoked roles back, 0 sessions wrongly ended; RTO {minutes:.2f} min, RPO {lost_seconds / 60:.2f} min (what "
        "came after the backup)"
    )


def people(institute: Facts) -> int:
    with psycopg.connect(institute["database_url"]) as connection:
        row = connection.execute("select count(*) from person.person").fetchone()
    assert row is not None
    return row[0]
