"""The generator of the typed clients (services/portal/kit/clients) and of the operations that the portal passes on.

The clients are made by openapi-typescript from each service's OpenAPI document, and committed. Whether one is up to
date is decided without Node: its first line has the digest of what it was made from and of the text below it.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from gatehouse_catalog import Service, load_catalog
from gatehouse_local.apps import node
from gatehouse_local.apps.made_files import digest, made_by_node
from gatehouse_local.apps.operations import Document, allowed_operations, for_apps

CLIENTS = "services/portal/kit/clients"
OPERATIONS = "services/portal/gatehouse_portal/areas/apps/operations.json"
DESCRIBE_SECONDS = 300  # until the documents of all services are there: it takes 3 s on a quiet machine
TOOL = "openapi-typescript"


def generate(root: Path) -> dict[str, str]:
    """The clients of all services that other programs call, and the operations that apps may call.

    A client that is stale needs Node, which is installed then. Where it can't be, the outdated text is returned with a
    line that says so; `gate generate --check` fails then. A service's first client is made once Node is there.
    """
    if not (root / OPERATIONS).parent.is_dir():  # a workspace made by a test
        return {}
    services = load_catalog(root).apis
    documents = read_documents(root, services)
    operations = {
        service.name: [f"{method} {path}" for method, path in allowed_operations(documents[service.name], service.path)]
        for service in services
    }
    files = {OPERATIONS: json.dumps(operations, indent=1) + "\n"}
    for service in services:
        path = f"{CLIENTS}/{service.name}.ts"
        text = _client(root, root / path, for_apps(documents[service.name], service.path))
        if text is not None:
            files[path] = text
    return files


def read_documents(root: Path, services: tuple[Service, ...]) -> dict[str, Document]:
    """The OpenAPI document of each service, as its code is now; kept in .gate until that changes."""
    kept = root / ".gate" / "openapi.json"
    digest = _digest_of_sources(root)
    if kept.is_file():
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["sources"] == digest:
            return found["documents"]
    paths = [str(folder) for folder in sorted((root / "services").iterdir()) if (folder / "pyproject.toml").is_file()]
    # Nothing is left beside the sources: other commands compare them.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "gatehouse_chassis", "describe", *(service.name for service in services)]
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            command, cwd=root, env=environment, capture_output=True, check=False, timeout=DESCRIBE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stderr or b"").decode(errors="replace")
        raise RuntimeError(
            f"The OpenAPI documents weren't there after {DESCRIBE_SECONDS} s: a service waits for something while it "
            f"is put together. See where: python -m gatehouse_chassis describe SERVICE\n{said}"
        ) from None
    if done.returncode:
        raise RuntimeError(f"The OpenAPI documents can't be read:\n{done.stderr.decode(errors='replace')}")
    documents = json.loads(done.stdout)
    if kept.parent.is_dir():
        kept.write_text(json.dumps({"sources": digest, "documents": documents}), encoding="utf-8")
    return documents


def digest_of(root: Path, document: Document) -> str:
    """The digest of what a client is made from: the document, and the version of the tool."""
    lock = json.loads((root / node.LOCK).read_text(encoding="utf-8"))
    version = lock["packages"][f"node_modules/{TOOL}"]["version"]
    return digest(json.dumps([version, document], sort_keys=True))


def _client(root: Path, file: Path, document: Document) -> str | None:
    return made_by_node(root, file, digest_of(root, document), lambda: _translated(root, document))


def _translated(root: Path, document: Document) -> str:
    program = node.ready(root)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "openapi.json"
        given.write_text(json.dumps(document), encoding="utf-8")
        command = node.tool(root, program, TOOL, "bin/cli.js", str(given), "--alphabetize", "--empty-objects-unknown")
        environment = node.environment_for(program)
        done = subprocess.run(  # noqa: S603 - the tool of the lock
            command, cwd=root, env=environment, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{TOOL} can't read a document:\n{done.stderr}")
    return done.stdout


def _digest_of_sources(root: Path) -> str:
    found = hashlib.sha256()
    for file in sorted((root / "services").rglob("*")):
        if file.suffix in {".py", ".toml", ".json"} and "node_modules" not in file.parts and "tests" not in file.parts:
            found.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return found.hexdigest()
