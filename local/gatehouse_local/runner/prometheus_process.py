"""Prometheus for the local platform (`gate up --observe`), and the probe that visits it from outside.

Prometheus is the program on PATH; its files are in the state folder.
"""

import hashlib
import shutil
import sys
from pathlib import Path

from gatehouse_catalog import Catalog
from gatehouse_local.runner.port_conflicts import Trouble
from gatehouse_local.runner.postgres import HOST
from gatehouse_local.runner.resource import Spec
from gatehouse_observability.probe import visit
from gatehouse_observability.prometheus import CONFIG, local_files

PROMETHEUS = "prometheus"
PORT = 8490
PROBE, PROBE_PORT, PROBE_SECONDS = "probe", 8492, 15
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


def spec(catalog: Catalog, targets: dict[str, str], *, state: Path, port: int, probe: str = "") -> Spec:
    """Writes the configuration and returns how to run Prometheus. `targets`: host:port by service; `probe`: its."""
    folder = state / PROMETHEUS
    folder.mkdir(parents=True, exist_ok=True)
    files = local_files(catalog, targets, probe=probe)
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


def probe_spec(url: str, *, folder: Path, port: int, environment: dict[str, str]) -> Spec:
    """How to run the probe of the platform at `url`; Prometheus scrapes it on `port`."""
    return Spec(
        name=PROBE,
        kind="metrics",
        command=(
            sys.executable,
            str(visit.__file__),
            url,
            f"--listen={port}",
            f"--every={PROBE_SECONDS}",
        ),
        environment=environment,
        folder=folder,
        port=port,
        url=f"http://{HOST}:{port}/metrics",
        ready_path="/metrics",
    )
