"""A fresh clone under Pulumi's real engine: its own environment by `uv sync`, its own state, AWS played.

Needs `pulumi` with its Python language host on PATH or in .gate/pulumi/bin (platform/engine/build). Without one the
tests say NOT TRIED, once. The engine changes the environment that it finds (`uv sync`), so a clone never shares one.
"""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
BUILT = ROOT / ".gate" / "pulumi" / "bin"
REGION = "eu-central-1"
PATIENCE = 900
NOT_TRIED = "NOT TRIED: Pulumi's engine isn't here. Fix: install Pulumi, or platform/engine/build."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one process: they share one clone. Where there is no engine, one of them is left to say so."""
    ours = [item for item in items if Path(item.fspath).parent == Path(__file__).parent]
    for item in ours:
        item.add_marker(pytest.mark.xdist_group("pulumi"))
    if engine_folder() is None or uv() is None:
        items[:] = [item for item in items if item not in ours[1:]]


def engine_folder() -> Path | None:
    """Where `pulumi` and `pulumi-language-python` are, side by side."""
    found = shutil.which("pulumi")
    for folder in (*([Path(found).resolve().parent] if found else []), BUILT):
        if (folder / "pulumi").is_file() and (folder / "pulumi-language-python").is_file():
            return folder
    return None


def uv() -> Path | None:
    kept = ROOT / ".gate" / "uv" / "bin" / "uv"
    found = shutil.which("uv")
    return kept if kept.is_file() else Path(found) if found else None


@dataclass(frozen=True)
class Clone:
    """A checkout of its own with a state of its own. `log` has every call that the played AWS got."""

    folder: Path
    environ: dict[str, str]
    log: Path

    def run(self, *command: str, fails: bool = False) -> str:
        """What a command prints. Fails the test unless it ends as expected."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout

    def pulumi(self, *words: str, fails: bool = False) -> str:
        return self.run("pulumi", *words, "--non-interactive", fails=fails)

    def up(self, stack: str, *words: str) -> list[str]:
        """The calls that an update made, in order."""
        before = len(self._calls())
        self.pulumi("up", "-s", stack, "--yes", "--skip-preview", *words)
        return self._calls()[before:]

    def _calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def changes(self, stack: str, *words: str) -> dict[str, int]:
        """How many resources a preview would create, update, replace, delete."""
        found = json.loads(self.run("pulumi", "preview", "-s", stack, "--json", "--non-interactive", *words))
        return {kind: count for kind, count in found["changeSummary"].items() if kind != "same"}

    def release(self, number: int, *, database: int = 0) -> dict[str, str]:
        """A release with digests of its own."""
        digests = {"database_digest": f"sha256:{database:064x}"} if database else {}
        return {"tag": f"v{number}", "digest": f"sha256:{number:064x}", **digests}

    def configure(self, stack: str, **values: Any) -> None:
        """Writes keys of ours into a stack file."""
        from ruamel.yaml import YAML

        file, yaml = self.folder / "stacks" / f"Pulumi.{stack}.yaml", YAML()
        content = yaml.load(file)
        for key, value in values.items():
            content["config"][f"gatehouse:{key}"] = value
        with file.open("w") as text:
            yaml.dump(content, text)


class PlayedEcs(http.server.BaseHTTPRequestHandler):
    """Runs every task at once and well. What else a task can do is tried against moto (test_schema_task.py)."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.headers["x-amz-target"].endswith(".RunTask"):
            family = asked["taskDefinition"].rpartition("/")[2].partition(":")[0]
            cluster = asked["cluster"]
            arn = f"arn:aws:ecs:{REGION}:111122223333:task/{cluster}/{family.removeprefix(cluster + '-')}"
            answer = {"tasks": [{"taskArn": arn}], "failures": []}
        else:
            containers = [{"name": asked["tasks"][0].rpartition("/")[2], "exitCode": 0}]
            answer = {"tasks": [{"taskArn": asked["tasks"][0], "lastStatus": "STOPPED", "containers": containers}]}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def ecs() -> Generator[str]:
    """The address of a played ECS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PlayedEcs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory, ecs: str) -> Clone:
    """A fresh clone after the documented command, `uv sync`."""
    engine, installer = engine_folder(), uv()
    if engine is None or installer is None:
        pytest.skip(NOT_TRIED)
    base = tmp_path_factory.mktemp("a clone")
    folder, plugins, state = base / "gatehouse", base / "plugins", base / "state"
    for each in (folder, plugins, state):
        each.mkdir()
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for package in ("aws", "random"):
        plugin = plugins / f"pulumi-resource-{package}"
        plugin.write_text(
            f"#!/bin/sh\nexec '{sys.executable}' '{Path(__file__).with_name('played_aws.py')}' {package}\n"
        )
        plugin.chmod(0o755)
    environ = {
        "HOME": str(base),
        "PATH": os.pathsep.join([str(engine), str(plugins), str(installer.parent), "/usr/bin", "/bin"]),
        "PULUMI_HOME": str(base / "home"),
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "a test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PLAYED_AWS_LOG": str(base / "calls"),
        "AWS_ENDPOINT_URL_ECS": ecs,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        # How this machine reaches its package index.
        **{
            key: value for key, value in os.environ.items() if key.startswith(("UV_", "SSL_")) or "PROXY" in key.upper()
        },
    }
    if "UV_CACHE_DIR" not in environ:
        cache = subprocess.run([str(installer), "cache", "dir"], capture_output=True, text=True, check=True)
        environ["UV_CACHE_DIR"] = cache.stdout.strip()
    made = Clone(folder, environ, base / "calls")
    for file in (folder / "stacks").glob("Pulumi.*.yaml"):
        # The key of the state is AWS's; a passphrase stands in for it.
        text = file.read_text()
        file.write_text("".join(f"{line}\n" for line in text.splitlines() if not line.startswith("secretsprovider")))
    made.run("uv", "sync", "--quiet", "--locked")
    return made
