"""What a change affects: images to build, tests to run, whether to deploy the platform; and why.

Pure: the catalog, the lock and the changed paths in, an answer out. A path that no rule covers affects everything: an
image too many costs minutes, an image too few costs an evening.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field

from gatehouse_catalog import Catalog
from gatehouse_ci.affected.uv_lock import Lock, LockedMember
from gatehouse_ci.affected.working_tree import ChangedPaths

CHASSIS, DB_MANAGER, PLATFORM = "gatehouse-chassis", "gatehouse-db-manager", "gatehouse-platform"
SPANNING = ("tests/blackbox", "tests/contracts", "tests/journeys")  # they test every service, together
RESOLVED = "uv.lock: its packages resolve differently"
Why = dict[str, list[str]]  # what is affected, and the reasons


@dataclass
class Affected:
    """The answer. Reasons are sentences; images and databases by service, tests by folder or file."""

    base: str | None
    paths: tuple[str, ...] = ()
    everything: list[str] = field(default_factory=list)
    images: Why = field(default_factory=dict)
    databases: Why = field(default_factory=dict)
    tests: Why = field(default_factory=dict)
    deploy: list[str] = field(default_factory=list)
    nothing: list[str] = field(default_factory=list)  # documents and the like
    removed: Why = field(default_factory=dict)  # released services that left the catalog: promoting takes them away
    held: Why = field(default_factory=dict)  # services that differ and aren't built, because a hold would keep them out

    @property
    def services(self) -> list[str]:
        """Those to build. A service's image and its database image are released as one, so they are built as one."""
        return sorted({*self.images, *self.databases})


class House:
    """The members of the workspace: which one owns a path, and which ones depend on it."""

    def __init__(self, catalog: Catalog, lock: Lock) -> None:
        self.services = {f"gatehouse-{service.name}": service for service in catalog}
        self.databases = [service.name for service in catalog if service.database]
        # Extras and the root's groups count for tests and deployments; an image is installed without.
        self.depends_on = {name: lock.reach(name) for name in lock.members}
        self.tested_on = {name: lock.reach(name, extras=True) for name in lock.members}
        # A new service isn't in the lock yet; it depends on what every service depends on.
        unlocked = {name: one for name, one in self.services.items() if name not in lock.members}
        for name in unlocked:
            self.depends_on[name] = self.tested_on[name] = self.depends_on.get(CHASSIS, frozenset()) | {name}
        new = {name: LockedMember(name, f"services/{service.name}") for name, service in unlocked.items()}
        self.members = {**lock.members, **new}
        self._by_folder = sorted(self.members.values(), key=lambda one: len(one.folder), reverse=True)

    def owner(self, path: str) -> LockedMember | None:
        return next((one for one in self._by_folder if path.startswith(f"{one.folder}/")), None)


def affected(house: House, changes: ChangedPaths, text: Callable[[str], str]) -> Affected:
    """What the changes affect. `text` reads a file as it is now; it is called for those in `changes.before`."""
    answer = Affected(changes.base, changes.paths)
    if changes.base is None:
        answer.everything.append("there is no earlier revision to compare with")
    for path in changes.paths:
        _file(house, answer, path)
    if "uv.lock" in changes.paths:
        _lock(house, answer, changes.before.get("uv.lock"), text("uv.lock"))
    if "pyproject.toml" in changes.paths:
        _settings(house, answer, changes.before.get("pyproject.toml"), text("pyproject.toml"))
    for why in answer.everything:
        _all(house, answer, why)
    return answer


@dataclass(frozen=True)
class Rule:
    """What a matching path affects, and the reason to give."""

    pattern: str
    apply: Callable[[House, Affected, str], None]


def _file(house: House, answer: Affected, path: str) -> None:
    for rule in RULES:
        if re.fullmatch(rule.pattern, path):
            rule.apply(house, answer, path)
            return
    if member := house.owner(path):
        _of_member(house, answer, member, path)
    elif path.startswith("services/") and f"services/{path.split('/')[1]}/service.toml" in answer.paths:
        _of_removed(house, answer, path)
    else:
        answer.everything.append(f"{path}: no rule says what depends on this file")


def _of_removed(house: House, answer: Affected, path: str) -> None:
    """A file of a service that left the catalog."""
    if not path.endswith("/service.toml"):
        answer.nothing.append(f"{path}: of a service that was removed")
        return
    why = f"{path}: the service was removed"
    answer.deploy.append(why)
    for other in house.services.values():
        if "*" in other.uses.services:
            _add(answer.images, other.name, f"{why}, and it reads every service's file")
    for folder in SPANNING:
        _test(answer, folder, why)
    if PLATFORM in house.members:
        _test(answer, f"{house.members[PLATFORM].folder}/tests", why)


def _of_member(house: House, answer: Affected, member: LockedMember, path: str) -> None:
    rest = path.removeprefix(f"{member.folder}/")
    service = house.services.get(member.name)
    if rest.startswith("tests/"):
        _test(answer, f"{member.folder}/tests", f"{path}: its tests")
    elif service and rest.startswith("database/"):
        if service.database:
            _add(answer.databases, service.name, f"{path}: its database")
        _test(answer, f"{member.folder}/tests", f"{path}: its database")
        _test(answer, "tests/contracts", f"{path}: the database of {service.name}")
    elif rest.endswith(".md") and not rest.startswith(f"{member.package}/"):
        answer.nothing.append(f"{path}: a document")
    else:
        _code(house, answer, member.name, path)
        if rest == "service.toml":
            answer.deploy.append(f"{path}: the platform is built from it")
            for other in house.services.values():
                if "*" in other.uses.services:
                    _add(answer.images, other.name, f"{path}: it reads every service's file")


def _code(house: House, answer: Affected, changed: str, path: str) -> None:
    """Everything that depends on a member whose code changed."""

    def why(name: str) -> str:
        return f"{path}: its code" if name == changed else f"{path}: {changed}, which it depends on"

    for name, service in house.services.items():
        if changed in house.depends_on[name]:
            _add(answer.images, service.name, why(name))
            for folder in SPANNING:
                _test(answer, folder, f"{path}: code of what they test")
    if changed in house.depends_on.get(DB_MANAGER, ()):
        for service in house.databases:
            _add(answer.databases, service, f"{path}: {changed}, which is in every database image")
            _test(answer, f"services/{service}/tests", f"{path}: {changed}, which creates its database")
    if changed in house.tested_on.get(PLATFORM, ()):
        answer.deploy.append(why(PLATFORM))
    for name in house.members:
        if changed in house.tested_on[name]:
            _test(answer, f"{house.members[name].folder}/tests", why(name))


def _lock(house: House, answer: Affected, before: str | None, now: str) -> None:
    """Compares the packages that each member resolves to. A package that only a tool needs affects no image."""
    if before is None:
        answer.everything.append("uv.lock: there was none before")
        return
    old, new = Lock(before), Lock(now)
    for name in house.members:
        if name not in old.members or name not in new.members:
            continue  # just written, or just locked: its files say so
        if old.digest(name) != new.digest(name):
            _resolved(house, answer, name)
        if old.digest(name, extras=True) != new.digest(name, extras=True):
            _test(answer, f"{house.members[name].folder}/tests", RESOLVED)
            if name == PLATFORM:
                answer.deploy.append(RESOLVED)
    if old.group_digest("dev") != new.group_digest("dev"):
        _every_test(house, answer, "uv.lock: the tools of tests and checks")
    if old.group_digest("platform") != new.group_digest("platform"):
        for name in sorted(new.group("platform") & house.members.keys()):
            _test(answer, f"{house.members[name].folder}/tests", "uv.lock: what its tests are run with")
    if not (answer.images or answer.databases):
        answer.nothing.append("uv.lock: no image's packages resolve differently")


def _resolved(house: House, answer: Affected, name: str) -> None:
    if service := house.services.get(name):
        _add(answer.images, service.name, RESOLVED)
        for folder in SPANNING:
            _test(answer, folder, f"uv.lock: packages of {service.name}")
    if name == DB_MANAGER:
        for database in house.databases:
            _add(answer.databases, database, "uv.lock: db-manager's packages resolve differently")


def _settings(house: House, answer: Affected, before: str | None, now: str) -> None:
    """The root's pyproject.toml: how uv resolves and builds affects every image, a tool's settings only checks."""
    was, is_now = (_read_settings(text) for text in (before or "", now))
    if was["images"] != is_now["images"]:
        answer.everything.append("pyproject.toml: tool.uv, which every image is installed with")
    else:
        answer.nothing.append("pyproject.toml: tool settings, which are in no image")
    if was["tests"] != is_now["tests"]:
        _every_test(house, answer, "pyproject.toml: how tests are run")


def _read_settings(text: str) -> dict[str, object]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {"images": text, "tests": text}
    tools = content.get("tool", {})
    # Which groups are installed by default is for developers: an image is installed without any.
    uv = {key: value for key, value in tools.get("uv", {}).items() if key != "default-groups"}
    return {"images": (uv, content.get("project", {}).get("requires-python")), "tests": tools.get("pytest")}


def _every_image(house: House, answer: Affected, path: str) -> None:
    for service in house.services.values():
        _add(answer.images, service.name, f"{path}: the recipe of every service's image")


def _every_database(house: House, answer: Affected, path: str) -> None:
    for service in house.databases:
        _add(answer.databases, service, f"{path}: the recipe of every database image")


def _every_recipe(house: House, answer: Affected, path: str) -> None:
    _every_image(house, answer, path)
    _every_database(house, answer, path)


def _every_app(house: House, answer: Affected, path: str) -> None:
    for service in house.services.values():
        if service.is_app:
            _add(answer.images, service.name, f"{path}: every app is built with it")
    _test(answer, "local/tests", f"{path}: what apps are built with")


def _style_of_apps(house: House, answer: Affected, path: str) -> None:
    """Of the portal; apps take it over."""
    _every_app(house, answer, path)
    if member := house.owner(path):
        _of_member(house, answer, member, path)


def _importer(_house: House, answer: Affected, path: str) -> None:
    """`gate db import` runs from a checkout; database images are built without it."""
    _test(answer, "db-manager/tests", f"{path}: its code, which is in no database image")


def _every_database_reads(house: House, answer: Affected, path: str) -> None:
    for service in house.databases:
        _add(answer.databases, service, f"{path}: it is in every database image")
        _test(answer, f"services/{service}/tests", f"{path}: its database is created with it")
    _test(answer, "db-manager/tests", f"{path}: its tests read it")


def _included_collection(house: House, answer: Affected, path: str) -> None:
    """A collection that schemas include: database images read it, and it is part of the chassis."""
    _every_database_reads(house, answer, path)
    _test(answer, "tests/contracts", f"{path}: services include it")
    _code(house, answer, "gatehouse-chassis", path)


def _deployed(house: House, answer: Affected, path: str) -> None:
    answer.deploy.append(f"{path}: environments are deployed from it")
    for name in (PLATFORM, "gatehouse-ci", "gatehouse-release"):
        if name in house.members:
            _test(answer, f"{house.members[name].folder}/tests", f"{path}: its tests read it")


def _workflow(_house: House, answer: Affected, path: str) -> None:
    _test(answer, "ci/tests/workflows/test_generate.py", f"{path}: a workflow")


def _ground(house: House, answer: Affected, path: str) -> None:
    _every_test(house, answer, f"{path}: every test may use it")


def _spanning_test(house: House, answer: Affected, path: str) -> None:
    if path.count("/") < 2:
        _ground(house, answer, path)
    else:
        _test(answer, "/".join(path.split("/")[:2]), f"{path}: its tests")


def _document(_house: House, answer: Affected, path: str) -> None:
    answer.nothing.append(f"{path}: a document")


def _by_itself(_house: House, answer: Affected, path: str) -> None:
    answer.nothing.append(f"{path}: it is in no image")


def _read_below(_house: House, _answer: Affected, _path: str) -> None:
    """Compared by content, in `affected`."""


RULES = (
    Rule(r"uv\.lock|pyproject\.toml", _read_below),
    Rule(r"[^/]+\.md|LICENSE|docs/.+|(services|stacks|tests|tests/\w+)/[^/]+\.md|stacks/.+\.md", _document),
    Rule(r"services/Dockerfile(\.dockerignore)?", _every_image),
    Rule(r"db-manager/Dockerfile(\.dockerignore)?", _every_database),
    Rule(r"\.dockerignore|services/[^/]+\.pem|local/uv-requirements\.txt|ci/base-images/.+", _every_recipe),
    Rule(r"package(-lock)?\.json|services/portal/kit/.+", _every_app),
    Rule(r"services/portal/gatehouse_portal/shell/(tokens\.css|shell\.css|static/.+)", _style_of_apps),
    Rule(r"db-manager/gatehouse_db_manager/importer/.+", _importer),
    Rule(r"db-manager/types/.+\.yaml", _every_database_reads),
    Rule(r"services/chassis/gatehouse_chassis/schema/.+\.yaml", _included_collection),
    # Generated from the code for editors; the check "generated" compares it.
    Rule(r"db-manager/schemas/.+\.json|services/catalog/[^/]+\.json|stacks/[^/]+\.json", _by_itself),
    Rule(r"stacks/.+|Pulumi\.yaml|__main__\.py", _deployed),
    Rule(r"\.github/.+", _workflow),
    Rule(r"tests/benchmarks/.+", _by_itself),
    Rule(r"tests/.+", _spanning_test),
    # What every test may use: throwaway databases and platforms.
    Rule(r"local/gatehouse_local/(testing/.+|runner/postgres)\.py", _ground),
    Rule(
        r"\.ci/.+|ci/docker/.+|\.vscode/.+|\.devcontainer/.+|\.gitignore|\.gitattributes|\.editorconfig|(.+/)?\.gitkeep",
        _by_itself,
    ),
)


def _every_test(house: House, answer: Affected, why: str) -> None:
    for folder in [*(f"{member.folder}/tests" for member in house.members.values()), *SPANNING, "tests/delivery"]:
        _test(answer, folder, why)


def _all(house: House, answer: Affected, why: str) -> None:
    for service in house.services.values():
        _add(answer.images, service.name, why)
    for service in house.databases:
        _add(answer.databases, service, why)
    _every_test(house, answer, why)
    answer.deploy.append(why)


def _test(answer: Affected, place: str, why: str) -> None:
    _add(answer.tests, place, why)


def _add(where: Why, what: str, why: str) -> None:
    reasons = where.setdefault(what, [])
    if why not in reasons:
        reasons.append(why)
