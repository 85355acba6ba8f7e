"""Brings an environment to what main's stack file says: `pulumi up`, as a process of its own.

A deployment always takes main as it is when it begins, and looks at main again when it has ended: two at once may take
turns, but the last word is always main's. That an update succeeded means little here (a breaker's rollback looks like
success: pulumi-aws #4487); what really runs is `ecs.py`'s question.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from pathlib import Path

from gatehouse_release.git.checkout import Checkout, GitError
from gatehouse_release.git.files import Main, archived, fetch, lay_out, stack_path
from gatehouse_release.ports import DeployFailed, NotConfigured, PortFailed
from gatehouse_release.state import removed_path

PROGRAM = "pulumi"
# Without a refresh Pulumi believes that what a breaker has rolled back still runs, and a second try does nothing.
# The policies (platform/gatehouse_platform/policies) refuse in the preview, before anything has changed.
FLAGS = ("--refresh", "--yes", "--non-interactive", "--policy-pack", "platform/policy_pack")
SAID_LINES = 40
# Of one update, and of waiting for others to end. A first database takes 15 minutes, a rollout with its alarms 20.
PATIENCE_SECONDS = 3600.0
# What Pulumi says when another update of the stack runs: of the S3 backend's lock file, and of its service.
LOCKED = re.compile(r"the stack is currently locked by|\[409\] Conflict|Another update is currently in progress")
LOCK_POLL_SECONDS = 10.0
# Main may go on while we deploy; every round deploys what it was at that round's start.
ROUNDS = 5
STOP_SECONDS = 120.0


class Deployer:
    """Deploys from a checkout's history; its working tree and its branches stay as they are."""

    def __init__(
        self,
        root: Path,
        repository: Main,
        environ: Mapping[str, str],
        *,
        patience: float = PATIENCE_SECONDS,
        poll: float = LOCK_POLL_SECONDS,
    ) -> None:
        self._checkout = Checkout(root)
        self._repository = repository
        self._environ = dict(environ)
        self._patience = patience
        self._poll = poll

    def deploy(self, environment: str, revision: str) -> None:
        """Deploys main, which must hold `revision`. Raises DeployFailed with the last lines of what Pulumi said."""
        program = shutil.which(PROGRAM, path=self._environ.get("PATH"))
        if program is None:
            raise NotConfigured(f"{PROGRAM} isn't on PATH.", "Fix: install it, or let the workflow deploy.")
        deadline = time.monotonic() + self._patience
        with self._one_at_a_time(environment):
            for _ in range(ROUNDS):
                if self._deployed_as_main_says(program, environment, revision, deadline):
                    return
        raise DeployFailed(
            f"{environment}: main's {stack_path(environment)} changed during each of {ROUNDS} deployments. "
            "Fix: deploy again when it is quiet; a queue should let one in at a time."
        )

    def _deployed_as_main_says(self, program: str, environment: str, revision: str, deadline: float) -> bool:
        """Deploys main once; whether its stack file is still the one that was deployed."""
        while True:
            head, tree = self._repository.read()
            self._must_hold(head, revision)
            with self._files_of(head) as folder:
                _lay_out_removed(tree, environment, folder)
                self._run([program, "install", "--non-interactive"], folder, environment, deadline)
                up = [program, "up", "--stack", environment, *FLAGS, "--message", head]
                if self._run(up, folder, environment, deadline):
                    break
        path = stack_path(environment)
        return self._repository.read()[1].get(path) == tree.get(path)

    def _run(self, command: list[str], folder: Path, environment: str, deadline: float) -> bool:
        """True when the command succeeded, False when main should be read anew because another update ran."""
        code, said = _to_end(command, folder, self._environ, self._patience)
        if code == 0:
            return True
        if LOCKED.search(said) and time.monotonic() < deadline:
            time.sleep(self._poll)
            return False
        raise DeployFailed(f"{environment}: `{PROGRAM} {' '.join(command[1:4])}` ended with {code}.\n{_last(said)}")

    @contextlib.contextmanager
    def _one_at_a_time(self, environment: str) -> Generator[None]:
        """On this machine; other machines are kept apart by Pulumi's own lock, which lies beside the stack's state."""
        folder = self._checkout.common() / "gatehouse"
        folder.mkdir(exist_ok=True)
        with (folder / f"deploy-{environment}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _must_hold(self, head: str, revision: str) -> None:
        """Refuses to deploy a main that hasn't got what was asked for. Fetches what this checkout doesn't know yet."""
        try:
            fetch(self._checkout, head, self._repository)
            self._checkout.git("merge-base", "--is-ancestor", revision, head)
        except GitError as error:
            raise PortFailed(
                f"Main is {head[:12]}, which doesn't hold {revision[:12]}: {error}. Fix: has somebody forced main?"
            ) from error

    @contextlib.contextmanager
    def _files_of(self, revision: str) -> Generator[Path]:
        """All files at a revision, in a folder that goes afterwards: Pulumi runs main's program, whatever is here."""
        content = archived(self._checkout, revision)
        with tempfile.TemporaryDirectory(prefix="gate-deploy-") as folder:
            lay_out(content, Path(folder))
            yield Path(folder)


def _lay_out_removed(tree: Mapping[str, str], environment: str, folder: Path) -> None:
    """The files of services that left the catalog and still run here; main's program reads them there."""
    for path, text in tree.items():
        if path.startswith(removed_path(environment, "").rpartition("//")[0] + "/"):
            (folder / path).parent.mkdir(parents=True)
            (folder / path).write_text(text, encoding="utf-8")


def _to_end(command: list[str], folder: Path, environ: Mapping[str, str], patience: float) -> tuple[int, str]:
    """(exit code, what it said). Out of patience, it is interrupted: Pulumi then ends its update and frees its lock."""
    process = subprocess.Popen(  # noqa: S603 - pulumi, found on PATH
        command,
        cwd=folder,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # its plugins are interrupted with it
    )
    try:
        said, _ = process.communicate(timeout=max(patience, 0.0))
    except subprocess.TimeoutExpired:
        said = _interrupted(process)
        return process.returncode or 1, f"{said}\nIt took too long and was interrupted."
    except KeyboardInterrupt:
        _interrupted(process)
        raise
    return process.returncode, said


def _interrupted(process: "subprocess.Popen[str]") -> str:
    os.killpg(process.pid, signal.SIGINT)
    try:
        return process.communicate(timeout=STOP_SECONDS)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def _last(said: str) -> str:
    lines = said.rstrip().splitlines()
    return "\n".join(f"    {line}" for line in lines[-SAID_LINES:]) or "    (it said nothing)"
