"""`gate bench rehearsal`: a changed line from merge to Go-Live on this machine, by commands alone; seconds and memory.

Works in a clean clone on ports of its own. Each step is checked where it matters: at the environment's own address.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from harness import Figure, show, timed

ROOT = Path(__file__).parents[2]
OFFSET = 4200
PLACES = ("dev", "test", "staging", "production")
PAGE = "services/portal/gatehouse_portal/areas/account/templates/sign_in.html"
BEFORE, AFTER = "all future engineers will pass", "all engineers of tomorrow will pass"
# A release that starts, whose unit tests pass, and that leaves out the partners once it is released.
BROKEN = "services/partner/gatehouse_partner/app.py"
GOOD = "[PartnerController, ContactController, AgreementController]"
BAD = f"{GOOD}[bool(service.build.image_digest) :]"
# One that goes wrong at Test's address only: Dev passes it.
BAD_IN_TEST = f'{GOOD}[service.public_url.endswith(":{8400 + OFFSET + 100}") :]'
TESTER, SRE = "kofi.mensah@example.org", "sunita.rao@example.org"
RELEASE_MANAGERS = ("tomas.varga@example.org", "viktor.stahl@example.org")
# Connections to PostgreSQL that nobody uses are closed by then.
SETTLED_SECONDS = 20.0
VERSION_PORT = {"partner": 8403, "portal": 8410}


class Story:
    def __init__(self, clone: Path) -> None:
        self.clone = clone

    def gate(self, *words: str, refused: bool = False) -> str:
        command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(self.clone), *words]
        done = subprocess.run(command, cwd=self.clone, capture_output=True, text=True, check=False, env=environment())
        if (done.returncode != 0) != refused:
            sys.exit(f"gate {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def promote(self, who: str, *words: str, refused: bool = False) -> str:
        return self.gate("promote", "--as", who, *words, refused=refused)

    def merge(self, path: str, old: str, new: str, *, refused: bool = False) -> str:
        file = self.clone / path
        text = file.read_text()
        assert old in text, f"{path} has no {old}"
        file.write_text(text.replace(old, new))
        subprocess.run([*GIT, "commit", "--quiet", "-am", f"Change {file.name}"], cwd=self.clone, check=True)
        return self.gate("rehearse", "merge", refused=refused)

    def get(self, place: str, path: str, service: str = "") -> str:
        port = (VERSION_PORT[service] if service else 8400) + OFFSET + 100 * PLACES.index(place)
        with urllib.request.urlopen(f"http://localhost:{port}{path}", timeout=20) as answer:
            return answer.read().decode()

    def digest(self, place: str, service: str) -> str:
        return json.loads(self.get(place, "/version", service))["image_digest"]

    def log(self, place: str) -> list[dict[str, Any]]:
        return json.loads(self.gate("promote", "log", place, "--json"))

    def memory(self) -> float:
        """MiB (PSS) of all that runs for the rehearsal, but for a platform beside it."""
        return sum(one.memory_full_info().pss for one in self.processes(self.clone / ".gate" / "rehearsal")) / 2**20

    def processes(self, folder: Path | None = None) -> list[psutil.Process]:
        """All that runs for the clone, or in a folder of it."""
        where = str(folder or self.clone)
        found = []
        for one in psutil.process_iter():
            try:
                if any(where in trace for trace in (*one.cmdline(), one.cwd())):
                    found += [one, *one.children(recursive=True)]
            except (psutil.Error, OSError):
                continue
        return [one for one in {one.pid: one for one in found}.values() if one.is_running()]


GIT = ("git", "-c", "user.name=Newcomer", "-c", "user.email=newcomer@example.org", "-c", "commit.gpgsign=false")


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEHOUSE_")}
    return {**kept, "COLUMNS": "100"}


def main() -> None:
    scratch = Path(tempfile.mkdtemp(prefix="gate-rehearsal-"))
    story = Story(scratch / "gatehouse")
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(story.clone)], check=True)
        show("Rehearsal: where we stand", told(story))
    finally:
        put_away(story)


def put_away(story: Story) -> None:
    """Stops what runs and removes the clone, with its folder."""
    for words in (("rehearse", "stop"), ("down",)):
        command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(story.clone), *words]
        subprocess.run(command, cwd=story.clone, capture_output=True, check=False, env=environment())
    shutil.rmtree(story.clone.parent, ignore_errors=True)


def told(story: Story) -> list[Figure]:
    made = timed(lambda: story.gate("rehearse", "--port-offset", str(OFFSET)))
    first = timed(lambda: story.promote(TESTER, "apply", "test", "--domain", "partners", "--yes"))
    assert story.digest("test", "partner") == story.digest("dev", "partner")
    story.promote(TESTER, "apply", "staging", "--yes")
    merged = timed(lambda: story.merge(PAGE, BEFORE, AFTER))
    assert AFTER in story.get("dev", "/sign-in")
    assert BEFORE in story.get("test", "/sign-in")
    again = timed(lambda: story.promote(TESTER, "apply", "test", "--domain", "portal", "--yes"))
    assert AFTER in story.get("test", "/sign-in")
    story.promote(TESTER, "apply", "staging", "--yes")
    go_live(story)
    assert AFTER in story.get("production", "/sign-in")
    assert len({story.digest(place, "portal") for place in PLACES}) == 1
    time.sleep(SETTLED_SECONDS)
    awake = story.memory()
    rolled_back(story)
    stopped_in_test(story)
    stopped_by_the_suite(story)
    story.gate("rehearse", "stop")
    left = story.processes()
    return [
        Figure("gate rehearse: four environments, two releases", f"{made:.0f} s", "<= 90 s", made <= 90),
        Figure("a promotion that starts its environment", f"{first:.0f} s", "", None),
        Figure("merge to Dev, with the portal's unit tests", f"{merged:.0f} s", "", None),
        Figure("a promotion with no database change, to verified", f"{again:.0f} s", "<= 20 s", again <= 20),
        Figure("all four awake (PSS)", f"{awake:.0f} MiB", "<= 2560 MiB", awake <= 2560),
        Figure("all four asleep, and processes after stop", str(len(left)), "0", not left),
    ]


def go_live(story: Story) -> None:
    """Proposed, approved by two others, refused before its window, and done in it."""
    story.promote(SRE, "apply", "production", "--yes")
    record = story.log("production")[0]["id"]
    for who in RELEASE_MANAGERS:
        story.promote(who, "approve", "production", "--record", record, "--yes")
    assert "soak" in story.promote(SRE, "apply", "production", "--record", record, refused=True)
    story.gate("rehearse", "skip")
    story.promote(SRE, "apply", "production", "--record", record)
    assert story.log("production")[0]["state"] == "verified"


def rolled_back(story: Story) -> None:
    """A release that doesn't start fails in Dev and is taken back; Test is rolled back, and what left it is held."""
    before = story.digest("test", "portal")
    story.promote(SRE, "rollback", "test", "--yes", "--reason", "try it")
    assert story.digest("test", "portal") != before
    assert BEFORE in story.get("test", "/sign-in")
    assert "hold" in story.promote(TESTER, "apply", "test", "--domain", "portal", "--yes", refused=True)


def stopped_in_test(story: Story) -> None:
    """A release that Dev passes and the suite finds bad in Test: Staging refuses it, and a rollback holds it."""
    before = story.digest("test", "partner")
    story.merge(BROKEN, GOOD, BAD_IN_TEST)
    assert story.log("dev")[0]["seen"]["black_box"]["passed"]
    bad = story.digest("dev", "partner")
    assert bad != before
    story.promote(TESTER, "apply", "test", "--domain", "partners", "--yes", refused=True)
    record = story.log("test")[0]
    assert (record["state"], record["seen"]["black_box"]["passed"]) == ("verified", False)
    assert story.digest("test", "partner") == bad
    assert "black-box" in story.promote(TESTER, "apply", "staging", "--yes", refused=True)
    assert story.digest("staging", "partner") == before
    story.promote(SRE, "rollback", "test", "--yes", "--reason", "the partners are gone in Test")
    assert story.digest("test", "partner") == before
    assert story.log("test")[0]["seen"]["black_box"]["passed"]
    assert "held" in story.promote(TESTER, "apply", "test", "--domain", "partners", "--yes", refused=True)
    story.merge(BROKEN, BAD_IN_TEST, GOOD)
    hold = next(one for one in story.log("test") if one["kind"] == "hold" and one["service"] == "partner")
    story.promote(SRE, "lift", "test", "--record", hold["id"], "--reason", "fixed")
    story.promote(TESTER, "apply", "test", "--domain", "partners", "--yes")
    assert story.digest("test", "partner") == story.digest("dev", "partner") != bad


def stopped_by_the_suite(story: Story) -> None:
    """A release that the suite finds bad stays in Dev; rolled back it is held until it is fixed and the hold lifted."""
    before = story.digest("test", "partner")
    story.merge(BROKEN, GOOD, BAD, refused=True)
    assert "failed" in story.log("dev")[0]["seen"]["black_box"]["summary"]
    assert "black-box" in story.promote(TESTER, "apply", "test", "--domain", "partners", "--yes", refused=True)
    story.promote(SRE, "rollback", "dev", "--yes", "--reason", "the partners are gone")
    assert story.digest("dev", "partner") == before == story.digest("test", "partner")
    held = story.merge(BROKEN, BAD, GOOD)
    assert "partner is held" in held
    assert story.digest("dev", "partner") == before
    hold = next(one["id"] for one in story.log("dev") if one["kind"] == "hold")
    story.promote(SRE, "lift", "dev", "--record", hold, "--reason", "fixed")
    story.gate("rehearse", "build")
    assert story.log("dev")[0]["seen"]["black_box"]["passed"]


if __name__ == "__main__":
    main()
