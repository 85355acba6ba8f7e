"""docs/tutorial.md, followed word for word in a copy of the checkout: its commands and edits, and what it shows.

Only the port is another one, so that a platform of yours may run meanwhile.
"""

import faulthandler
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gatehouse_local.testing.checkout_copy import copy_working_tree

from .test_links import sign_in

ROOT = Path(__file__).parents[2]
OFFSET = 7000
MINUTES = 10
STEP = re.compile(
    r"^(?:(?P<verb>Write|At the end of) `(?P<file>[^`]+)`(?:, after two empty lines)?:|"
    r"In `(?P<within>[^`]+)`, below `(?P<line>[^`]+)`:|"
    r"In `(?P<changed>[^`]+)`, replace `(?P<old>[^`]+)` by\s`(?P<new>[^`]+)`\.|"
    r"```(?P<fence>\w+)\n(?P<text>.*?)^```$)",
    re.MULTILINE | re.DOTALL,
)


def steps(text: str) -> Iterator[dict[str, str]]:
    """The edits and commands of the page, in order; an edit comes with the block below it."""
    edit: dict[str, str] | None = None
    for match in STEP.finditer(text):
        step = {name: value for name, value in match.groupdict().items() if value is not None}
        if "changed" in step:
            yield step
        elif "fence" not in step:
            assert edit is None, f"no block below {edit}"
            edit = step
        elif edit is not None:
            yield edit | step
            edit = None
        else:
            yield step


def edited(root: Path, step: dict[str, str]) -> None:
    """Does what the page says about a file. An edit that the page got wrong fails here."""
    file = root / (step.get("file") or step.get("within") or step["changed"])
    if step.get("verb") == "Write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step["text"])
        return
    text = file.read_text()
    if step.get("verb"):
        file.write_text(f"{text}\n\n{step['text']}")
    elif "line" in step:
        pattern = re.compile(rf"^ *{re.escape(step['line'])}\n", re.MULTILINE)
        assert pattern.search(text), f"{file} has no line {step['line']}"
        file.write_text(pattern.sub(lambda match: match[0] + step["text"], text))
    else:
        assert text.count(step["old"]) == 1, f"{file}: {step['old']}"
        file.write_text(text.replace(step["old"], step["new"]))


def run(root: Path, script: str) -> str:
    """Runs a block as a person types it, at the port of this test."""
    script = re.sub(r"localhost:(\d+)", lambda match: f"localhost:{int(match[1]) + OFFSET}", script)
    script = script.replace("./local/up", f"./local/up --port-offset {OFFSET}")
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "UV_CACHE_DIR", "LANG") if key in os.environ}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=root,
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}"
    return done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A checkout as `git clone` makes it, with what is changed here, in a folder whose path has a space."""
    root = tmp_path / "my checkout"
    copy_working_tree(ROOT, root)
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "A checkout"]):
        subprocess.run(["git", "-C", root, *words], check=True)
    yield root
    subprocess.run([root / "local" / "gate", "down"], cwd=root, check=False, capture_output=True, timeout=120)


# What README and guides name, on a platform that runs: from another folder, through a link, in a path with a space.
ELSEWHERE = [
    ["status"],
    ["logs", "person", "-n", "3"],
    ["token", "mentor"],
    ["doctor"],
    ["db", "check"],
    ["db", "plan"],
    ["db", "drift"],
    ["db", "docs", "--out", "dictionary"],
    ["db", "shell", "-Atc", "select 1"],
    ["db", "backup", "mine.dump"],
    ["db", "restore", "--yes", "mine.dump"],
    ["restart", "library"],
    ["stop", "library"],
    ["up", "library", "--detach", "--port-offset", str(OFFSET)],
    ["load", "--rate", "5", "--seconds", "1"],
    ["reset", "--yes"],
    ["affected"],
    ["generate", "--check"],
    ["check", "--only", "lock"],
    ["way-in", "dev"],
    ["stack", "check", "dev"],
]


def runs_from_elsewhere(root: Path, folder: Path) -> None:
    folder.mkdir()
    link = folder / "gate"
    link.symlink_to(root / "local" / "gate")
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "UV_CACHE_DIR", "LANG") if key in os.environ}
    for words in ELSEWHERE:
        done = subprocess.run(
            ["./gate", *words], cwd=folder, env=kept, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    assert (folder / "mine.dump").is_file()
    assert (folder / "dictionary" / "index.md").is_file()
    for door in ("up", "test"):
        (folder / door).symlink_to(root / "local" / door)
        done = subprocess.run(
            [f"./{door}", "--help"], cwd=folder, env=kept, capture_output=True, text=True, check=False
        )
        assert re.search(rf"gate'? {door}\b", done.stdout), done.stdout + done.stderr


@pytest.mark.deep
@pytest.mark.timeout(MINUTES * 60 + 300)
def test_the_tutorial_ends_green(copy: Path) -> None:
    faulthandler.cancel_dump_traceback_later()  # the plugin's bound of five minutes; this test has its own
    said, page = "", ""
    for step in steps((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")):
        if "fence" not in step or step.keys() - {"fence", "text"}:
            edited(copy, step)
        elif step["fence"] == "text":
            for line in step["text"].splitlines():
                assert line in said, said
        elif step["text"].strip() == "./local/gate down":
            page = books()
            runs_from_elsewhere(copy, copy.parent / "another folder")
            run(copy, step["text"])
        else:
            said = run(copy, step["text"])
    assert "<h2>Kindred</h2>" in page
    assert '<a href="/books" aria-current="page">Books</a>' in page


def books() -> str:
    """The page that the tutorial made, as Noah sees it."""
    with httpx.Client(
        base_url=f"http://localhost:{8400 + OFFSET}", headers={"Accept": "text/html"}, timeout=30
    ) as client:
        sign_in(client, "member")
        answer = client.get("/books")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_the_tutorial_has_steps_that_a_script_can_follow() -> None:
    """In the ordinary run, without running it: each edit has its block, and each command is one of gate's."""
    found = list(steps((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")))
    assert sum("text" in step and "fence" in step for step in found) > 15
    assert sum("changed" in step for step in found) == 2
