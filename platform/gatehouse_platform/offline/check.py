"""Records the graph of a stack from its files, without Pulumi's engine, AWS or credentials.

A service without a release gets an example, unless `examples` is off, so that its resources can be checked before an
image is built. Its digests are checksums of a sentence; no such image exists.
"""

import hashlib
import io
import subprocess
import tarfile
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from gatehouse_catalog import Catalog
from gatehouse_platform.config.environment_catalog import environment_catalog, lay_out_removed
from gatehouse_platform.config.settings import FOUNDATION
from gatehouse_platform.config.stack_config import PROJECT, StackError, read_config, read_stack, releases_of
from gatehouse_platform.offline.graph import Graph

EXAMPLE_TAG, EXAMPLE_WORKSPACE = "example", "g-0000000000"


class NoRevision(Exception):
    """Git doesn't know the revision, or it has no catalog."""


def example_digest(what: str) -> str:
    """A digest that no image has: the checksum of a sentence."""
    return "sha256:" + hashlib.sha256(f"an example, not an image: {what}".encode()).hexdigest()


def with_examples(config: Mapping[str, Any], catalog: Catalog) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The configuration with an example for each missing release, the collector and Grafana; and the names of those."""
    releases = dict(config.get(f"{PROJECT}:releases") or {})
    missing = [service for service in catalog if service.name not in releases]
    for service in missing:
        releases[service.name] = {"tag": EXAMPLE_TAG, "digest": example_digest(service.name)}
        if service.database is not None:
            releases[service.name]["database_digest"] = example_digest(f"{service.name}-database")
    filled = {**config, f"{PROJECT}:releases": releases}
    names = [service.name for service in missing]
    if f"{PROJECT}:collector" not in config:
        filled[f"{PROJECT}:collector"] = {"image": "example.invalid/collector", "digest": example_digest("collector")}
        names.append("collector")
    if f"{PROJECT}:grafana_workspace" not in config:
        filled[f"{PROJECT}:grafana_workspace"] = EXAMPLE_WORKSPACE
        names.append("grafana")
    return filled, tuple(names)


def graph_of(root: Path, name: str, *, examples: bool = True, config: Mapping[str, Any] | None = None) -> Graph:
    """The recorded graph of the stack `name` of the checkout `root`; `config` in place of the stack file's.

    Raises StackError or CatalogError when a file is wrong. Takes about three seconds, one for importing the SDK.
    """
    from gatehouse_platform.offline.recording import config_texts, record  # noqa: PLC0415
    from gatehouse_platform.program import program  # noqa: PLC0415 - Pulumi is imported when it is used

    configuration: Mapping[str, Any] = read_config(root, name) if config is None else config
    releases = {} if name == FOUNDATION else releases_of(configuration)
    catalog = environment_catalog(root, name, releases)
    filled: tuple[str, ...] = ()
    if examples and name != FOUNDATION:
        configuration, filled = with_examples(configuration, catalog)
    stack = read_stack(name, configuration, catalog)
    graph = record(
        lambda: program(root),
        stack=name,
        region=stack.region,
        account=stack.settings.account,
        config=config_texts(configuration),
    )
    return msgspec.structs.replace(graph, examples=filled)


@contextmanager
def at_revision(root: Path, revision: str) -> Generator[Path]:
    """The catalog and the stack files as they were at a git revision, in a temporary folder.

    The program is the current one: only what the files say differs. Raises NoRevision.
    """
    command = ["git", "-c", "safe.directory=*", "archive", "--format=tar", revision, "pyproject.toml"]
    listed = ["services", "stacks"]
    done = subprocess.run([*command, *listed], cwd=root, capture_output=True, check=False)  # noqa: S603 - git's own command
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()
        raise NoRevision(f"{revision} can't be read: {reason}. Fix: name a revision that has services/ and stacks/.")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            if hasattr(tarfile, "data_filter"):
                archive.extractall(folder, filter="data")
            else:  # Python 3.11.0 to 3.11.3 has no filters; the archive is git's own, of this repository
                archive.extractall(folder)  # noqa: S202
        lay_out_removed(root, Path(folder))
        yield Path(folder)


__all__ = ["NoRevision", "StackError", "at_revision", "example_digest", "graph_of", "with_examples"]
