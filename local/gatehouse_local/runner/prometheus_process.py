"""Prometheus for the local platform (`gate up --observe`): the program on PATH, its files in the state folder."""

import hashlib
import shutil
from pathlib import Path

from gatehouse_catalog import Catalog
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.postgres import HOST
from gatehouse_local.runner.resource import Spec
from gatehouse_observability.prometheus import CONFIG, local_files

PROMETHEUS = "prometheus"
PORT = 8490
RETENTION = ("--storage.tsdb.retention.time=15d", "--storage.tsdb.retention.size=512MB")


def find() -> str:
    """The path of the program. Raises Trouble if it isn't installed."""
    program = shutil.which("prometheus")
    if program is None:
        raise Trouble(
            "--observe needs Prometheus, which isn't installed. Fix: apt-get install prometheus "
            "(Debian, Ubuntu) or brew install prometheus (macOS), or leave out --observe"
        )
    return program


def spec(catalog: Catalog, targets: dict[str, str], *, state: Path, port: int) -> Spec:
    """Writes the configuration and returns how to run Prometheus. `targets`: host:port by service."""
    folder = state / PROMETHEUS
    folder.mkdir(parents=True, exist_ok=True)
    files = local_files(catalog, targets)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Spec(
        name=PROMETHEUS,
        kind="metrics",
        command=(
            find(),
            f"--config.file={folder / CONFIG}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={HOST}:{port}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
            *RETENTION,
        ),
        # Nothing reads it: it changes the spec when the files change, so that the runner restarts Prometheus.
        environment={"GATEHOUSE_CONFIG": hashlib.sha256("".join(files.values()).encode()).hexdigest()},
        folder=folder,
        port=port,
        url=f"http://{HOST}:{port}",
        ready_path="/-/ready",
    )
