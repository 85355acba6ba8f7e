"""Writes a new service from templates/service: one small collection, its routes and its tests, ready to run.

Everything appears at once or not at all: the files are written beside their place and moved there when complete.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from string import Template

from gatehouse_catalog import CatalogError, Problem, load_catalog
from gatehouse_local.checks.checks import own_uv
from gatehouse_local.generate import stale, write
from gatehouse_local.ports import FIRST_SERVICE_PORT, POSTGRES_PORT

TEMPLATES = Path(__file__).with_name("templates") / "service"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
OUR_IMPORTS = re.compile(r"(?:^from gatehouse_.*\n)+", re.MULTILINE)
LONGEST_NAME = 30


def new_service(root: Path, name: str, *, domain: str, kind: str, report: Callable[[str], None]) -> Path:
    """Writes services/`name`, puts it into the lock file and into what is generated; gives the folder.

    Raises CatalogError, naming what is wrong and the fix, when a name doesn't fit or is taken; then nothing is written
    """
    if kind != "api":
        raise CatalogError([_problem("--kind", kind, "has no template yet.", "Use api.")])
    folder = root / "services" / name
    _check(root, folder, name, domain)
    schema = name.replace("-", "_")
    title = "".join(part.capitalize() for part in name.split("-"))
    values = {
        "name": name,
        "domain": domain,
        "schema": schema,
        "package": f"gatehouse_{schema}",
        "title": title,
        "port": str(free_port(root)),
    }
    building = root / "services" / f".{name}.new"
    shutil.rmtree(building, ignore_errors=True)
    try:
        for path, text in rendered(values).items():
            (building / path).parent.mkdir(parents=True, exist_ok=True)
            (building / path).write_text(text, encoding="utf-8")
        building.rename(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    report(f"Wrote services/{name} (port {values['port']}, schema {schema}).")
    _lock(root, folder)
    for path, text in stale(root).items():
        write(root, path, text)
        report(f"Wrote {path}.")
    report(f"Next: ./local/up {name}, ./local/test {name}. Begin reading at services/{name}/{values['package']}/app.py")
    return folder


def rendered(values: dict[str, str]) -> dict[str, str]:
    """The text of each file of the new service by its path in the service's folder."""
    files = {}
    for template in sorted(TEMPLATES.rglob("*.txt")):
        path = template.relative_to(TEMPLATES).as_posix().removesuffix(".txt")
        path = path.replace("package/", f"{values['package']}/")
        text = Template(template.read_text(encoding="utf-8")).substitute(values)
        files[path] = OUR_IMPORTS.sub(_sorted, text) if path.endswith(".py") else text
    return files


def _sorted(imports: re.Match[str]) -> str:
    """Where the new package stands among our own imports depends on its name."""
    return "".join(sorted(imports[0].splitlines(keepends=True), key=lambda line: line.split()[1]))


def free_port(root: Path) -> int:
    """The first port that no service of the catalog has; gaps are filled."""
    taken = {service.port for service in load_catalog(root).services} | {POSTGRES_PORT}
    return next(port for port in range(FIRST_SERVICE_PORT, 65536) if port not in taken)


def _check(root: Path, folder: Path, name: str, domain: str) -> None:
    problems = []
    for key, value in (("NAME", name), ("--domain", domain)):
        if not NAME.fullmatch(value) or len(value) > LONGEST_NAME:
            fix = f'Use lower case, digits and single dashes, at most {LONGEST_NAME}; such as "{_tidied(value)}".'
            problems.append(_problem(key, value, "isn't a name.", fix))
    if folder.exists():
        problems.append(_problem("NAME", name, f"services/{name} exists already.", "Choose another name."))
    if name in RESERVED:
        problems.append(_problem("NAME", name, "is taken by the platform itself.", "Choose another name."))
    known = {service.name.replace("-", "_") for service in load_catalog(root).services}
    if not problems and name.replace("-", "_") in known:
        problems.append(_problem("NAME", name, "differs from an existing service by dashes only.", "Choose another."))
    if problems:
        raise CatalogError(problems)


RESERVED = frozenset({"catalog", "chassis", "dbm", "local", "edge", "postgres", "public", "db-manager"})


def _tidied(value: str) -> str:
    words = re.findall(r"[a-z0-9]+", value.lower())
    tidy = "-".join(words).lstrip("0123456789-")[:LONGEST_NAME].rstrip("-")
    return tidy or "my-service"


def _problem(key: str, value: str, message: str, fix: str) -> Problem:
    return Problem(file="gate new service", key=key, value=f'"{value}"' if value else "", message=message, fix=fix)


def _lock(root: Path, folder: Path) -> None:
    """Adds the new member to uv.lock; the door (./local/gate) then installs it at its next call."""
    uv = own_uv(root)
    command = [uv or "uv", "lock", "--quiet"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
        said = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError:
        said = "uv isn't on the path."
    if said:
        shutil.rmtree(folder)
        raise CatalogError([_problem("uv.lock", "", f"can't be updated.\n{said}\n", "Fix that and try again.")])
