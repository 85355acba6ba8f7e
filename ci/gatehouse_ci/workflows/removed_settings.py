"""Where a service that leaves the catalog still runs, and the stack files without what they say of it elsewhere."""

from collections.abc import Mapping
from pathlib import Path

from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_ci.affected.report import released
from gatehouse_release.git.files import stack_path
from gatehouse_release.stack_file import without_choices


def where_released(root: Path, service: str) -> tuple[str, ...]:
    """The environments that have a release of it, as origin's main says, else the files at hand."""
    return tuple(name for name in ENVIRONMENTS if service in released(root, name))


def without_settings(root: Path, service: str) -> Mapping[str, str]:
    """Path -> new text of each stack file that sets something of the service, where it isn't released.

    Where it is, the promotion that takes it away takes its settings out as well.
    """
    found = {}
    for environment in ENVIRONMENTS:
        path = stack_path(environment)
        if service not in released(root, environment) and (root / path).is_file():
            before = (root / path).read_text(encoding="utf-8")
            after = without_choices(before, {service}, path)
            found |= {path: after} if after != before else {}
    return found
