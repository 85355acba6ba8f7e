"""Writes a new service from templates/service (one small aggregate, its routes and its tests, ready to run), or a new
single-page application from templates/app.

Everything appears at once or not at all: the files are written beside their place and moved there when complete.
"""

import keyword
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from string import Template

from gatehouse_catalog import Catalog, CatalogError, Problem, load_catalog
from gatehouse_catalog.errors import nearest
from gatehouse_catalog.rules import RESERVED_NAMES, free_port
from gatehouse_local.checks.checks import BIN
from gatehouse_local.generate import stale, write
from gatehouse_local.workspace import own_uv

TEMPLATES = Path(__file__).with_name("templates")
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 30
# Modules and collections that a service has beside its aggregates.
TAKEN_AGGREGATES = frozenset({"app", "tables", "idempotency-key"})


def new_service(
    root: Path,
    name: str,
    *,
    domain: str,
    kind: str,
    report: Callable[[str], None],
    new_domain: bool = False,
    aggregate: str = "item",
) -> Path:
    """Writes services/`name` with one `aggregate` (a noun in the singular); returns the folder.

    The lock file and everything generated follow. `new_domain`: `domain` needn't exist yet. Raises CatalogError with
    the fix when a name is malformed, taken or unknown; then nothing is written.
    """
    if kind != "api":
        raise CatalogError([_problem("--kind", kind, "has no template yet.", "Use api.")])
    folder = root / "services" / name
    catalog = load_catalog(root)
    refuse_name(catalog, folder, name, domain, aggregate, new_domain=new_domain)
    schema = name.replace("-", "_")
    port = free_port(catalog.services)
    values = {
        "name": name,
        "domain": domain,
        "schema": schema,
        "package": f"gatehouse_{schema}",
        "port": str(port),
        **_spellings(aggregate),
    }
    _write(folder, rendered(values))
    report(f"Wrote services/{name} (port {port}, schema {schema}).")
    _derive(root, folder, report)
    report(f"Next: ./local/up {name}, ./local/test {name}. Start reading at services/{name}/{values['package']}/app.py")
    return folder


def new_app(root: Path, name: str, *, domain: str, report: Callable[[str], None], new_domain: bool = False) -> Path:
    """Writes the single-page application services/`name`; returns the folder. Raises CatalogError as `new_service`."""
    folder = root / "services" / name
    catalog = load_catalog(root)
    refuse_name(catalog, folder, name, domain, "item", new_domain=new_domain, command="gate new app")
    port = free_port(catalog.services)
    title = name.replace("-", " ").capitalize()
    package = f"gatehouse_{name.replace('-', '_')}"
    values = {"name": name, "domain": domain, "title": title, "package": package, "port": str(port)}
    _write(folder, rendered(values, "app"))
    report(f"Wrote services/{name} (port {port}, at /apps/{name}).")
    _derive(root, folder, report)
    report(f"Next: ./local/up {name}, ./local/gate app test {name}. Start reading at services/{name}/src/Profile.vue")
    return folder


def _write(folder: Path, files: dict[str, str]) -> None:
    """All files or none."""
    building = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(building, ignore_errors=True)
    try:
        for path, text in files.items():
            (building / path).parent.mkdir(parents=True, exist_ok=True)
            (building / path).write_text(text, encoding="utf-8")
        building.rename(folder)
        _format(folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _derive(root: Path, folder: Path, report: Callable[[str], None]) -> None:
    """The lock and everything generated."""
    _lock(root, folder)
    for path, text in stale(root).items():
        write(root, path, text)
        report(f"Wrote {path}.")


def rendered(values: dict[str, str], kind: str = "service") -> dict[str, str]:
    """The text of each file of the new service by its path in the service's folder."""
    files = {}
    templates = TEMPLATES / kind
    for template in sorted(templates.rglob("*.txt")):
        path = template.relative_to(templates).as_posix().removesuffix(".txt")
        path = path.replace("package/", f"{values['package']}/").replace("aggregate", values.get("aggregate", ""))
        files[path] = Template(template.read_text(encoding="utf-8")).substitute(values)
    return files


def _spellings(aggregate: str) -> dict[str, str]:
    """How an aggregate such as `reading-list` is written in code, addresses and prose."""
    several = f"{aggregate[:-1]}ies" if re.search("[^aeiou]y$", aggregate) else f"{aggregate}s"
    noun, nouns = aggregate.replace("-", " "), several.replace("-", " ")
    return {
        "aggregate": aggregate.replace("-", "_"),
        "aggregates": several.replace("-", "_"),
        "Class": noun.title().replace(" ", ""),
        "Classes": nouns.title().replace(" ", ""),
        "CONSTANT": aggregate.replace("-", "_").upper(),
        "CONSTANTS": several.replace("-", "_").upper(),
        "path": several,
        "noun": noun,
        "nouns": nouns,
        "Nouns": nouns.capitalize(),
    }


def _format(folder: Path) -> None:
    """Orders imports and breaks lines: where both go depends on the names."""
    for command in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
        subprocess.run([BIN / "ruff", *command, folder], check=False)  # noqa: S603


def refuse_name(
    catalog: Catalog,
    folder: Path,
    name: str,
    domain: str,
    aggregate: str,
    *,
    new_domain: bool,
    command: str = "gate new service",
) -> None:
    """Raises CatalogError with all that keeps a new service from having this name, domain and first aggregate."""
    problems: list[Problem] = []

    def refuse(key: str, value: str, message: str, fix: str) -> None:
        problems.append(_problem(key, value, message, fix, command))

    for key, value in (("NAME", name), ("--domain", domain), ("--aggregate", aggregate)):
        if not NAME.fullmatch(value) or len(value) > LONGEST_NAME:
            fix = f'Use lower case, digits and single dashes, at most {LONGEST_NAME}; such as "{_tidied(value)}".'
            refuse(key, value, "isn't a name.", fix)
    if folder.exists():
        refuse("NAME", name, f"services/{name} exists already.", "Choose another name.")
    if name in RESERVED_NAMES:
        refuse("NAME", name, "is taken by the platform itself.", "Choose another name.")
    if aggregate in TAKEN_AGGREGATES or keyword.iskeyword(aggregate):
        refuse("--aggregate", aggregate, "is taken.", "Choose another noun.")
    if not problems and name.replace("-", "_") in {other.replace("-", "_") for other in catalog.names}:
        refuse("NAME", name, "differs from an existing service by dashes only.", "Choose another.")
    domains = {service.domain for service in catalog}
    if not problems and domain not in domains and not new_domain:
        fix = f"{nearest(domain, domains)} Add --new-domain to create it."
        refuse("--domain", domain, "doesn't exist.", fix)
    if problems:
        raise CatalogError(problems)


def _tidied(value: str) -> str:
    words = re.findall(r"[a-z0-9]+", value.lower())
    tidy = "-".join(words).lstrip("0123456789-")[:LONGEST_NAME].rstrip("-")
    return tidy or "my-service"


def _problem(key: str, value: str, message: str, fix: str, command: str = "gate new service") -> Problem:
    return Problem(file=command, key=key, value=f'"{value}"' if value else "", message=message, fix=fix)


def _lock(root: Path, folder: Path) -> None:
    """Adds the new member to uv.lock; the door (./local/gate) then installs it at its next call."""
    uv = own_uv(root)
    command = [uv or "uv", "lock", "--quiet"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603
        reason = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError:
        reason = "uv isn't on the path."
    if reason:
        shutil.rmtree(folder)
        raise CatalogError([_problem("uv.lock", "", f"can't be updated.\n{reason}\n", "Fix that and try again.")])
