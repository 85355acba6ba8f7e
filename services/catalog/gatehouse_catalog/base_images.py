"""The images that ours stand on, and by which digest: `ci/base-images/Dockerfile`.

It has the form of a Dockerfile so that Dependabot renews it. A digest is that of the index of all architectures.
"""

import re
from pathlib import Path

import msgspec

FILE = "ci/base-images/Dockerfile"
_LINE = re.compile(r"^FROM ([^\s@]+)(?:@(sha256:[0-9a-f]{64}))?$")


class BaseImage(msgspec.Struct, frozen=True):
    """`name` has a tag, as in python:3.13-slim-trixie; `digest` is empty where none is pinned."""

    name: str
    digest: str = ""

    @property
    def reference(self) -> str:
        """What a build takes."""
        return f"{self.name}@{self.digest}" if self.digest else self.name


def base_images(root: Path) -> list[BaseImage]:
    """All of them; none where the file isn't there. Raises ValueError for a line that can't be read."""
    file = root / FILE
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        read = _LINE.match(line.strip())
        if read is None:
            fix = "write FROM NAME:TAG@sha256:..., or run gate image pin"
            raise ValueError(
                f"{FILE}:{number}: {line.strip()} isn't FROM NAME:TAG with or without a digest. Fix: {fix}."
            )
        found.append(BaseImage(read[1], read[2] or ""))
    return found


def with_digests(text: str, digests: dict[str, str]) -> str:
    """The file's text with these digests by name; all else stays."""
    lines = []
    for line in text.splitlines():
        read = _LINE.match(line.strip())
        known = digests.get(read[1]) if read else None
        lines.append(f"FROM {read[1]}@{known}" if read and known else line)
    return "\n".join(lines) + "\n"
