"""Generates the secrets of the platform in containers, once, and writes each owner's secrets to its own folder.

`python -m gatehouse_local.compose.secret_files FOLDER`, with GATEHOUSE_SECRET_FILES (JSON: {"owner/file": "text with
{owner.key}"}). The secrets are kept in FOLDER/kept. Standard library only: its image has little else.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from gatehouse_local.runner.secrets import Secrets

_SECRET = re.compile(r"\{([a-z][a-z0-9-]*)\.([a-z][a-z0-9_]*)\}")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Writes each file with its secrets filled in. Only containers that mount the owner's folder can read it."""
    kept = Secrets(folder / "kept")
    for path, text in files.items():
        filled = _SECRET.sub(lambda match: kept.get(match[1], match[2]), text)
        new = folder / f"{path}.new"
        new.write_text(filled, encoding="utf-8")
        new.chmod(0o444)  # PostgreSQL and Grafana run as other users
        new.replace(folder / path)


if __name__ == "__main__":
    write(Path(sys.argv[1]), json.loads(os.environ["GATEHOUSE_SECRET_FILES"]))
    sys.stdout.write("All secrets are written.\n")
