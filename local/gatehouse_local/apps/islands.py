"""The generator of the portal's islands: TypeScript of services/portal/islands, built into scripts that pages load.

Each file there that no other one imports is an island. Its types are checked before it is built.
"""

import json
import subprocess
from pathlib import Path

from gatehouse_local.apps import node
from gatehouse_local.apps.made_files import digest, made_by_node

FOLDER = "services/portal/islands"
BUILT = "services/portal/gatehouse_portal/shell/static"
ISLANDS = ("draft", "plan")
MADE_WITH = ("esbuild", "typescript", "lib0", "y-protocols", "y-websocket", "yjs")
TARGET = "es2022"


def generate(root: Path) -> dict[str, str]:
    """The built scripts; the last ones with a line that says so where Node can't be had."""
    if not (root / FOLDER).is_dir():  # a workspace made by a test
        return {}
    made_from = _digest_of_sources(root)
    files = {}
    for name in ISLANDS:
        path = f"{BUILT}/{name}.js"
        text = made_by_node(root, root / path, made_from, lambda name=name: _built(root, name))
        if text is not None:
            files[path] = text
    return files


def _built(root: Path, name: str) -> str:
    program = node.ready(root)
    source = root / FOLDER / f"{name}.ts"
    _run(root, node.tool(root, program, "typescript", "bin/tsc", "--project", str(source.parent)), program)
    flags = ["--bundle", "--minify", "--format=iife", f"--target={TARGET}", "--charset=utf8", "--log-level=warning"]
    return _run(root, node.tool(root, program, "esbuild", "bin/esbuild", str(source), *flags), program)


def _run(root: Path, command: list[str], program: Path) -> str:
    done = subprocess.run(  # noqa: S603 - the tools of the lock
        command, cwd=root, env=node.environment_for(program), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{FOLDER} can't be built:\n{done.stdout}{done.stderr}")
    return done.stdout


def _digest_of_sources(root: Path) -> str:
    packages = json.loads((root / node.LOCK).read_text(encoding="utf-8"))["packages"]
    versions = [packages[f"node_modules/{name}"]["version"] for name in MADE_WITH]
    sources = {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted((root / FOLDER).iterdir())
        if file.suffix in {".ts", ".json"} and not file.name.endswith(".test.ts")
    }
    return digest(json.dumps([versions, TARGET, sources], sort_keys=True))
