"""What the ports read of the repository's own files: a stack's configuration, and what a service says of itself.

From a folder or from a tree of texts at a revision. Checking them is the platform's and the catalog's business.
"""

import io
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gatehouse_ci.ports import PortFailed

Tree = Mapping[str, str]


def stack_path(environment: str) -> str:
    return f"stacks/Pulumi.{environment}.yaml"


def stack_config(where: Path | Tree, environment: str) -> dict[str, Any]:
    """`config:` of an environment's stack file, key by key as it stands there; empty when there is no such file.

    Raises PortFailed when it isn't YAML.
    """
    path = stack_path(environment)
    text = _text(where, path)
    try:
        read = YAML(typ="safe").load(io.StringIO(text)) if text is not None else {}
    except YAMLError as error:
        raise PortFailed(f"{path} can't be read: {error}") from error
    return dict((read or {}).get("config") or {})


def service_toml(where: Path | Tree, service: str) -> dict[str, Any]:
    """A service's own service.toml; empty when there is none. Raises PortFailed when it isn't TOML."""
    path = f"services/{service}/service.toml"
    try:
        return tomllib.loads(_text(where, path) or "")
    except tomllib.TOMLDecodeError as error:
        raise PortFailed(f"{path} can't be read: {error}") from error


def _text(where: Path | Tree, path: str) -> str | None:
    if isinstance(where, Path):
        file = where / path
        return file.read_text(encoding="utf-8") if file.is_file() else None
    return where.get(path)
