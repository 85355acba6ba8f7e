"""The Docker engine, through its command line. Knows nothing of what is built."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

LAST_LINES = 25  # of what a failed command said


class EngineError(Exception):
    """The engine refused; the message says why and, where it is known, how to fix it."""


class NoEngine(EngineError):
    """There is no engine, or it doesn't respond."""


class Engine:
    """A Docker engine that answers. Made by `find`."""

    def __init__(self, program: str, version: str, builder: tuple[str, ...]) -> None:
        self.version = version
        self._program, self._builder = program, builder

    def ask(self, *words: str, why: str) -> str:
        """The engine's output. Raises EngineError, beginning with `why`."""
        done = subprocess.run([self._program, *words], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise EngineError(f"{why}:\n{last(done.stderr or done.stdout)}")
        return done.stdout.strip()

    def build(self, words: Sequence[str], *, folder: Path, why: str) -> None:
        """Builds in `folder`. Raises EngineError with the last lines of what the builder said."""
        done = subprocess.run(  # noqa: S603
            [self._program, *self._builder, *words],
            cwd=folder,
            # Without its plugin, an engine's command line refuses BuildKit; the classic builder does as well.
            env={"DOCKER_BUILDKIT": "0", **os.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode:
            raise EngineError(f"{why}:\n{last(done.stdout)}{_fix(done.stdout)}")

    def platform(self) -> str:
        """What the engine itself runs on, such as linux/amd64."""
        return self.ask(
            "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}", why="The engine doesn't say what it is"
        )


def find() -> Engine:
    """The engine of this machine. Raises NoEngine."""
    program = shutil.which("docker")
    if program is None:
        raise NoEngine(
            "This needs a Docker engine, and no program called docker was found. Fix: install one (Debian, Ubuntu: "
            "apt-get install docker.io), or do without: ./local/up needs none."
        )
    asked = subprocess.run(  # noqa: S603
        [program, "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        raise NoEngine(
            f"The Docker engine doesn't respond: {last(asked.stderr, 1)} Fix: start it (Docker Desktop, or "
            "sudo systemctl start docker), and join its group (sudo usermod -aG docker $USER)."
        )
    plugin = subprocess.run([program, "buildx", "version"], capture_output=True, check=False)  # noqa: S603
    return Engine(program, asked.stdout.strip(), ("build",) if plugin.returncode else ("buildx", "build", "--load"))


def last(text: str, lines: int = LAST_LINES) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _fix(said: str) -> str:
    """What may help, when what failed was getting the base image."""
    unreachable = ("no such host", "pull access denied", "failed to do request", "failed to resolve source metadata")
    if not any(words in said.lower() for words in unreachable):
        return ""
    return (
        "\nThe base image can't be pulled from here. Where no registry can be reached, ci/docker/standin-python-image "
        "builds a stand-in with that name (Debian, as root)."
    )
