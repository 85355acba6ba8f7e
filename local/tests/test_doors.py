"""The bash doors: quick when nothing changed, clear when the machine lacks something. Nothing is installed here."""

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What uv does, as far as the door can tell.
UV = """if [[ $1 == --version ]]; then echo "uv 0.99.0"; exit; fi
echo "uv $*" >> "$HOME/uv-ran"
mkdir -p "$UV_PROJECT_ENVIRONMENT/lib/python3.11/site-packages/gatehouse_local-0.1.0.dist-info"
"""
BASH = shutil.which("bash") or "/bin/bash"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose environment is this one, and up to date as far as the door can tell."""
    root = tmp_path / "a checkout"
    (root / "local").mkdir(parents=True)
    (root / "services" / "catalog").mkdir(parents=True)
    for door in ("gate", "up", "test"):
        shutil.copy(ROOT / "local" / door, root / "local")
    for file in ("uv.lock", "pyproject.toml", "local/pyproject.toml", "services/catalog/pyproject.toml"):
        (root / file).write_text("")
    (root / ".venv" / "bin").mkdir(parents=True)
    python = root / ".venv" / "bin" / "python"
    python.write_text('#!/usr/bin/env bash\necho "python $*"\n')
    python.chmod(0o755)
    return root


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with nothing but what the doors may rely on."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("bash", "dirname", "cksum", "mkdir", "rm", "mv", "head", "env", "readlink"):
        (folder / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")
    return folder


def run(door: Path, *words: str, path: Path, **environment: str) -> subprocess.CompletedProcess:
    variables = {"PATH": str(path), "HOME": str(path.parent / "home"), **environment}
    return subprocess.run([BASH, door, *words], env=variables, cwd="/", capture_output=True, text=True, check=False)


def a_tool(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!{BASH}\n{script}\n")
    (path / name).chmod(0o755)


def installed(checkout: Path, path: Path) -> None:
    a_tool(path, "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    a_tool(path, "uv", UV)
    (path.parent / "home").mkdir(exist_ok=True)
    assert run(checkout / "local" / "gate", path=path).returncode == 0


def synced(path: Path) -> int:
    ran = path.parent / "home" / "uv-ran"
    return len(ran.read_text().splitlines()) if ran.exists() else 0


def test_it_installs_once_and_then_hands_over(checkout: Path, path: Path):
    installed(checkout, path)
    said = run(checkout / "local" / "gate", "status", path=path)
    assert said.stdout.splitlines() == ["python -m gatehouse_local.gate status"]
    assert (said.stderr, synced(path)) == ("", 1)


def test_what_a_plain_uv_sync_took_away_is_installed_again(checkout: Path, path: Path):
    """`pulumi install` and the runbooks run one: it knows nothing of the packages that only the door installs."""
    installed(checkout, path)
    shutil.rmtree(checkout / ".venv" / "lib")
    assert run(checkout / "local" / "gate", "status", path=path).returncode == 0
    assert synced(path) == 2


def test_an_installation_says_how_much_it_is_and_shows_its_downloads(checkout: Path, path: Path):
    a_tool(path, "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    lines = ["Downloading ruff (10.6MiB)", "   Building gatehouse-local @ file:///x", " + ruff==0.17.0"]
    a_tool(path, "uv", f"if [[ $1 == --version ]]; then echo uv 0.99.0; else printf '%s\\n' {shlex.join(lines)}; fi")
    said = run(checkout / "local" / "gate", "check", path=path).stderr
    assert "about 200 MB to download, 600 MB on disk, and 270 MB more for Pulumi" in said
    assert lines[0] in said
    assert lines[2] not in said


def test_the_caller_stays_where_it_is(checkout: Path, path: Path):
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/usr/bin/env bash\necho "in $PWD"\n')
    installed(checkout, path)
    assert run(checkout / "local" / "gate", path=path).stdout == "in /\n"
    (checkout / "uv.lock").write_text("changed")
    assert run(checkout / "local" / "gate", path=path).stdout == "in /\n"


def test_a_link_to_a_door_leads_to_its_checkout(checkout: Path, path: Path):
    installed(checkout, path)
    for door, words in (("gate", "status"), ("up", "up status"), ("test", "test status")):
        link = path.parent / "links" / door
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(checkout / "local" / door)
        said = run(link, "status", path=path)
        assert said.stdout.splitlines() == [f"python -m gatehouse_local.gate {words}"], said.stderr
    assert sorted(one.name for one in link.parent.iterdir()) == ["gate", "test", "up"], "nothing is installed there"


@pytest.mark.parametrize(("words", "groups"), [(["check"], ""), (["check", "--help"], "--no-group platform")])
def test_a_question_about_a_command_installs_no_platform(checkout: Path, path: Path, words: list[str], groups: str):
    a_tool(path, "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    a_tool(path, "uv", UV)
    (path.parent / "home").mkdir(exist_ok=True)
    assert run(checkout / "local" / "gate", *words, path=path).returncode == 0
    assert ("--no-group platform" in (path.parent / "home" / "uv-ran").read_text()) == bool(groups)


def test_up_and_test_are_commands_of_gate(checkout: Path, path: Path):
    installed(checkout, path)
    assert "gatehouse_local.gate up db --detach" in run(checkout / "local" / "up", "db", "--detach", path=path).stdout
    assert "gatehouse_local.gate test unit" in run(checkout / "local" / "test", "unit", path=path).stdout


def test_a_new_member_and_a_changed_lock_are_installed(checkout: Path, path: Path):
    installed(checkout, path)
    (checkout / "uv.lock").write_text("changed")
    run(checkout / "local" / "gate", path=path)
    (checkout / "services" / "demo").mkdir()
    (checkout / "services" / "demo" / "pyproject.toml").write_text("")
    run(checkout / "local" / "gate", path=path)
    assert synced(path) == 3


def test_pulumi_is_installed_when_it_is_needed_and_then_stays(checkout: Path, path: Path):
    installed(checkout, path)
    run(checkout / "local" / "gate", "up", path=path)
    run(checkout / "local" / "gate", "--debug", "stack", "check", path=path)
    run(checkout / "local" / "gate", "up", path=path)
    (checkout / "uv.lock").write_text("changed")
    run(checkout / "local" / "gate", "up", path=path)
    lines = (path.parent / "home" / "uv-ran").read_text().splitlines()
    assert [("--no-group platform" in line) for line in lines] == [True, False, False]


def test_ci_installs_exactly_what_is_locked(checkout: Path, path: Path):
    installed(checkout, path)
    (checkout / "uv.lock").write_text("changed")
    run(checkout / "local" / "gate", path=path, CI="true")
    lines = (path.parent / "home" / "uv-ran").read_text().splitlines()
    assert [("--locked" in line) for line in lines] == [False, True]


def test_a_moved_checkout_gets_a_new_environment(checkout: Path, path: Path):
    installed(checkout, path)
    moved = checkout.rename(checkout.with_name("moved"))
    run(moved / "local" / "gate", path=path)
    assert not (moved / ".venv" / "bin").exists()


def test_without_a_home_downloads_stay_in_the_checkout(checkout: Path, path: Path):
    a_tool(path, "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    a_tool(path, "uv", f'if [[ $1 == --version ]]; then echo "uv 0.99.0"; else echo "$UV_CACHE_DIR" > {path}/cache; fi')
    assert run(checkout / "local" / "gate", path=path, HOME="").returncode == 0
    assert (path / "cache").read_text().strip() == str(checkout / ".gate" / "cache" / "uv")


@pytest.mark.parametrize("version", ["Python 3.9.2", ""])
def test_a_python_too_old_or_missing_is_one_sentence_with_the_fix(checkout: Path, path: Path, version: str):
    if version:
        a_tool(path, "python3", f'if [[ $1 == --version ]]; then echo "{version}"; else exit 1; fi')
    said = run(checkout / "local" / "gate", path=path)
    assert said.returncode == 1
    assert said.stderr.count("\n") == 1
    assert f"needs Python 3.11 to 3.14, and finds {version or 'none'}" in said.stderr
    assert "Fix:" in said.stderr


def test_a_failed_installation_is_tried_again(checkout: Path, path: Path):
    a_tool(path, "python3", f'exec {shlex.quote(sys.executable)} "$@"')
    a_tool(path, "uv", 'if [[ $1 == --version ]]; then echo "uv 0.99.0"; else exit 2; fi')
    for _ in range(2):
        said = run(checkout / "local" / "gate", path=path)
        assert (said.returncode, "the installation failed" in said.stderr) == (1, True)
