"""The commands of an app's tools, each a program of an npm package that node runs in the app's folder."""

from collections.abc import Callable
from pathlib import Path

from gatehouse_local.apps.node import tool

DEV_SERVER = "services/portal/kit/dev-server.mjs"


def check(root: Path, node: Path, folder: Path) -> list[str]:
    """Checks the types of TypeScript and of Vue's templates."""
    return tool(root, node, "vue-tsc", "bin/vue-tsc.js", "--noEmit", "--project", str(folder / "tsconfig.json"))


def test(root: Path, node: Path, folder: Path, *words: str) -> list[str]:
    """Runs the unit tests once; `words` are Vitest's."""
    return tool(root, node, "vitest", "vitest.mjs", "run", "--root", str(folder), *words)


def watch(root: Path, node: Path, folder: Path) -> list[str]:
    """Runs the unit tests, and after each save those that it affects."""
    return tool(root, node, "vitest", "vitest.mjs", "watch", "--root", str(folder), "--clearScreen", "false")


def build(root: Path, node: Path, folder: Path) -> list[str]:
    """Writes `dist`: the files that an image serves, with a compressed copy of each beside it."""
    return tool(root, node, "vite", "bin/vite.js", "build", str(folder))


def serve(root: Path, node: Path, folder: Path) -> list[str]:
    """Serves the app with hot reload, on the socket or port of the environment."""
    return [str(node), str(root / DEV_SERVER), str(folder)]


COMMANDS: dict[str, Callable[[Path, Path, Path], list[str]]] = {"check": check, "test": test, "build": build}
