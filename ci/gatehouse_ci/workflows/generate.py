"""The parts of the workflows that come from the catalog and must be static: the choices in their forms.

`gate generate` rewrites the choices between two comments, and nothing else.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from gatehouse_catalog import load_catalog

FOLDER = ".github/workflows"
DOMAINS = re.compile(r"(?P<indent> *)# <domains>[^\n]*\n.*?# </domains>", re.DOTALL)


def generate(root: Path) -> dict[str, str]:
    """The workflows that have such a form, by path below the root."""
    domains = sorted(load_catalog(root).domains)
    files = {f"{FOLDER}/{file.name}": file.read_text(encoding="utf-8") for file in (root / FOLDER).glob("*.yml")}
    return {path: with_domains(text, domains) for path, text in sorted(files.items()) if DOMAINS.search(text)}


def with_domains(text: str, domains: Iterable[str]) -> str:
    """The text with these domains between the comments, after the choice of none: everything is no default."""

    def block(found: re.Match) -> str:
        choices = [f"  - {name}" for name in ("choose a domain", "everything", *domains)]
        lines = ["# <domains> written by gate generate", "options:", *choices, "# </domains>"]
        return "\n".join(f"{found['indent']}{line}" for line in lines)

    return DOMAINS.sub(block, text)
