"""Makes the secrets of the platform in containers, once, and writes to each owner's folder what it may know.

`python -m gatehouse_local.compose.secret_files FOLDER`, with GATEHOUSE_SECRET_FILES (JSON: {"owner/file": "text with
{owner.key}"}). What was made is kept in FOLDER/kept; the standard library only, as its image holds little else.
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
    """Writes each file, its secrets filled in. Only containers that mount an owner's folder can read it."""
    kept = Secrets(folder / "kept")
    for path, text in files.items():
        filled = _SECRET.sub(lambda found: kept.get(found[1], found[2]), text)
        new = folder / f"{path}.new"
        new.write_text(filled, encoding="utf-8")
        new.chmod(0o444)  # PostgreSQL and Grafana are other users than we
        new.replace(folder / path)


if __name__ == "__main__":
    write(Path(sys.argv[1]), json.loads(os.environ["GATEHOUSE_SECRET_FILES"]))
    sys.stdout.write("Every secret is there.\n")
