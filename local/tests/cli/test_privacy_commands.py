"""`gate privacy` on a running platform: export, history and erase of somebody who was added for it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from gatehouse_catalog import find_root, load_catalog
from gatehouse_local.cli.privacy_commands import lines

GATE = [sys.executable, "-m", "gatehouse_local.gate"]


def run(*words: str, state: Path) -> subprocess.CompletedProcess:
    command = [*GATE, *words, "--state", str(state)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=os.environ)


def test_without_a_platform_it_says_how_to_start_one(tmp_path: Path):
    done = run("privacy", "export", str(uuid4()), state=tmp_path)
    assert (done.returncode, done.stderr) == (1, "Error: identity isn't running. Fix: start it with ./local/up\n")


def test_an_erasure_tells_what_is_kept_and_why():
    kept = {
        "collection": "consent",
        "columns": ["kind"],
        "basis": "Proof",
        "rows": 2,
        "until": "3 years after given_at",
    }
    done = {
        "person": {
            "changed": {"person": 1},
            "deleted": {"idempotency_key": 3},
            "kept": [{**kept, "until": "3 years after given_at"}],
        }
    }
    assert [*lines(done)] == [
        "person.person: 1 changed",
        "person.idempotency_key: 3 deleted",
        "person.consent: kept kind of 2: Proof; goes 3 years after given_at",
    ]


@pytest.mark.platform
def test_somebody_is_exported_and_erased_everywhere(platform):
    state, people = Path(platform.state), f"{platform.url}/api/person/people"
    headers = {"Authorization": f"Bearer {run('token', 'coordinator', state=state).stdout.strip()}"}
    name, email = f"Canary {uuid4()}", f"canary-{uuid4()}@example.org"
    made = httpx.post(people, json={"name": name, "email": email}, headers=headers).raise_for_status()
    id = made.json()["id"]
    change = {**headers, "If-Match": made.headers["ETag"]}
    httpx.patch(f"{people}/{id}", json={"location": "Canary Wharf"}, headers=change).raise_for_status()

    exported = json.loads(run("privacy", "export", id, state=state).stdout)
    assert sorted(exported) == sorted(service.name for service in load_catalog(find_root()) if service.database)
    assert name in json.dumps(exported["person"])
    shown = run("privacy", "history", "person", "person", id, state=state).stdout
    assert '  location: null -> "Canary Wharf"' in shown

    erased = run("privacy", "erase", id, "--yes", state=state)
    assert "person.person: 1 changed" in erased.stdout, erased.stderr
    after = run("privacy", "export", id, state=state).stdout
    assert name not in after
    assert email not in after
    assert "Canary Wharf" not in after
    assert (
        "location: changed; its key was destroyed"
        in run("privacy", "history", "person", "person", id, state=state).stdout
    )
