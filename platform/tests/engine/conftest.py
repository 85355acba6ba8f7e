"""A fresh clone under Pulumi's real engine: its own environment by `uv sync`, its own state, AWS played.

Needs `pulumi` with its Python language host on PATH or in .gate/pulumi/bin (platform/engine/build). Without one the
tests say NOT TRIED, once. The engine changes the environment that it finds (`uv sync`), so a clone never shares one.
"""

import faulthandler
import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Container, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatehouse_local.testing.checkout_copy import copy_working_tree

from .runbook import PATIENCE, Shell, path, tool

ROOT = Path(__file__).parents[3]
BUILT = ROOT / ".gate" / "pulumi" / "bin"
REGION = "eu-central-1"
NOT_TRIED = "NOT TRIED: Pulumi's engine isn't here. Fix: install Pulumi, or platform/engine/build."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All in one process: they share one clone. Where there is no engine, one of them is left to say so."""
    here = [item for item in items if item.nodeid.startswith("platform/tests/engine/")]
    ours = [item for item in here if item.get_closest_marker("deep")]
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


@dataclass
class Clone(Shell):
    """A checkout of its own with a state of its own. `log` has every call that the played AWS got."""

    @property
    def log(self) -> Path:
        return self.folder.parent / "calls"

    @property
    def drift(self) -> Path:
        """What somebody changed in AWS by hand: {"type name": {property: value}}."""
        return self.folder.parent / "drift.json"

    def command(self, *command: str, codes: Container[int] = (0,)) -> str:
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
        assert done.returncode in codes, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout

    def pulumi(self, *words: str, codes: Container[int] = (0,)) -> str:
        return self.command("pulumi", *words, "--non-interactive", codes=codes)

    def state(self, stack: str) -> list[dict[str, Any]]:
        return json.loads(self.pulumi("stack", "export", "-s", stack))["deployment"].get("resources", [])

    def calls(self, run: Callable[[], object]) -> list[str]:
        """The calls that the played AWS got meanwhile, in order."""
        before = len(self._calls())
        run()
        return self._calls()[before:]

    def up(self, stack: str, *words: str) -> list[str]:
        """The calls that an update made, in order."""
        return self.calls(lambda: self.pulumi("up", "-s", stack, "--yes", "--skip-preview", *words))

    def _calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def release(self, number: int, *, database: int = 0) -> dict[str, str]:
        """A release with digests of its own."""
        digests = {"database_digest": f"sha256:{database:064x}"} if database else {}
        return {"tag": f"v{number}", "digest": f"sha256:{number:064x}", **digests}

    def configure(self, stack: str, **values: Any) -> None:
        """Writes keys of ours into a stack file; None takes a key out."""
        from ruamel.yaml import YAML

        file, yaml = self.folder / "stacks" / f"Pulumi.{stack}.yaml", YAML()
        content = yaml.load(file)
        for key, value in values.items():
            content["config"].pop(f"gatehouse:{key}", None)
            if value is not None:
                content["config"][f"gatehouse:{key}"] = value
        with file.open("w") as text:
            yaml.dump(content, text)

    def commit(self) -> None:
        """What is here becomes main, here and at the remote."""
        for words in (("add", "--all"), ("commit", "--quiet", "-m", "Next"), ("push", "--quiet", "origin", "main")):
            self.command("git", *words)


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


@pytest.fixture(autouse=True)
def without_the_general_limit() -> None:
    """A runbook takes minutes: the tests' own timeout bounds them, not the 300 s after which the process is ended."""
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def ecs() -> Generator[str]:
    """The address of a played ECS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), PlayedEcs) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def moto() -> Generator[str]:
    """The address of moto: what the engine keeps its state and its keys in, and what the AWS CLI asks."""
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory, ecs: str, moto: str) -> Clone:
    """A fresh clone after the documented command, `uv sync`; a repository with a remote, as everybody has one."""
    engine, installer = engine_folder(), uv()
    if engine is None or installer is None:
        pytest.skip(NOT_TRIED)
    base = tmp_path_factory.mktemp("a clone")
    folder, programs = base / "gatehouse", base / "programs"
    programs.mkdir()
    copy_working_tree(ROOT, folder)
    _programs(programs, folder)
    environ = {
        "HOME": str(base),
        "PATH": path(engine, programs, installer.parent),
        "PULUMI_HOME": str(base / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        # Nobody is there to confirm; and the state is written once an update, not after each of 300 resources.
        "PULUMI_SKIP_CONFIRMATIONS": "true",
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "PLAYED_AWS_LOG": str(base / "calls"),
        "PLAYED_AWS_DRIFT": str(base / "drift.json"),
        "AWS_ENDPOINT_URL": moto,
        "AWS_ENDPOINT_URL_ECS": ecs,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": REGION,
        **{
            f"GIT_{who}_{what}": "test@gatehouse.example"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        # How this machine reaches its package index.
        **{
            key: value for key, value in os.environ.items() if key.startswith(("UV_", "SSL_")) or "PROXY" in key.upper()
        },
        "NO_PROXY": "127.0.0.1,localhost",
    }
    if "UV_CACHE_DIR" not in environ:
        cache = subprocess.run([str(installer), "cache", "dir"], capture_output=True, text=True, check=True)
        environ["UV_CACHE_DIR"] = cache.stdout.strip()
    made = Clone(folder, environ)
    made.command("git", "init", "--quiet", "--bare", "--initial-branch", "main", str(base / "origin.git"))
    made.command("git", "init", "--quiet", "--initial-branch", "main")
    made.command("git", "remote", "add", "origin", str(base / "origin.git"))
    made.commit()
    made.command("uv", "sync", "--quiet", "--locked")
    _plugins(folder, base / "home")
    return made


def _programs(folder: Path, clone: Path) -> None:
    """`gate` and `aws` as programs on PATH."""
    tool(folder, "aws", sys.executable, str(Path(__file__).with_name("aws_cli.py")))
    # The door would install into the clone what `uv sync` takes out again. By itself this `gate` works in our checkout.
    tool(folder, "gate", sys.executable, "-m", "gatehouse_local.gate", "--root", str(clone))


def _plugins(folder: Path, home: Path) -> None:
    """Every plugin that the clone's packages ask for, where `pulumi install` puts what it downloads.

    Those of docker come along with awsx, and are never started. The real awsx is taken where it is: it registers
    resources and reaches no cloud.
    """
    for file in folder.glob(".venv/lib/python*/site-packages/pulumi_*/pulumi-plugin.json"):
        asked = json.loads(file.read_text())
        if not asked["resource"]:
            continue
        name = f"pulumi-resource-{asked['name']}"
        place = home / "plugins" / f"resource-{asked['name']}-v{asked['version']}"
        place.mkdir(parents=True)
        real = shutil.which(name) if asked["name"] == "awsx" else None
        command = [real] if real else [sys.executable, str(Path(__file__).with_name("played_aws.py")), asked["name"]]
        tool(place, name, *command)
