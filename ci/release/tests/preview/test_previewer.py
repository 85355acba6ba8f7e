"""The preview of a promotion, made from the real files of two commits: this checkout's own, and a change to them."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from gatehouse_catalog import find_root
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.model import MERGE, Release, ReleaseChange
from gatehouse_release.preview import conclusions
from gatehouse_release.preview.files_at_commit import Files
from gatehouse_release.preview.page import DatabasePreview, PreviewPage, ReleaseMove, SettingDifference
from gatehouse_release.preview.previewer import LazyPage, Previewer
from gatehouse_release.preview.render import shown
from gatehouse_release.preview.sections import Sections, compared
from gatehouse_release.testing.checkout import commit

ROOT = find_root()
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "static", "test-data", "node_modules")
PERSON = "services/person"


class World:
    """A checkout with this one's services, and releases of person made from its commits."""

    def __init__(self, folder: Path) -> None:
        for name in ("services", "stacks", "db-manager/types"):
            shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED)
        (folder / "pyproject.toml").touch()
        (folder / "uv.lock").touch()
        self.git = Checkout(folder)
        self.git.git("init", "--quiet", "--initial-branch", "main")
        for key, value in (("user.email", "sunita@example.org"), ("user.name", "Sunita Rao")):
            self.git.git("config", key, value)
        self.first = commit(self.git, "Begin")
        self.previewer = Previewer(folder, {}, self)

    def read(self) -> tuple[str, dict[str, str]]:
        raise AssertionError("The checkout has main already.")

    def text(self, path: str) -> str:
        return (self.git.root / path).read_text(encoding="utf-8")

    def changed(self, subject: str, path: str, *replacements: tuple[str, str]) -> str:
        """Commits a file in which some texts were replaced by others."""
        text = self.text(path)
        for old, new in replacements:
            assert old in text, f"{path} has no {old!r} any more: change this test"
            text = text.replace(old, new, 1)
        return commit(self.git, subject, **{path: text})

    def preview(self, changes: Mapping[str, ReleaseChange], environment: str = "test", source: str = "dev") -> LazyPage:
        return self.previewer.preview(self.git.git("rev-parse", "HEAD"), source, environment, changes)


def release(commit: str, number: int = 1) -> Release:
    digest = f"sha256:{number:064d}"
    return Release(tag=f"v{number}", digest=digest, database_digest=digest, commit=commit)


def moved(before: str, after: str, service: str = "person") -> dict[str, ReleaseChange]:
    return {service: ReleaseChange(before=release(before, 1), after=release(after, 2))}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def second(world: World) -> str:
    """What came to person after the first commit: a key, a column, another answer; and something of topics."""
    commit(world.git, "Write about topics (#6)", **{"services/topics/README.md": "Topics.\n"})
    world.changed(
        "Ask for pronouns (#7)",
        f"{PERSON}/database/collections/person.yaml",
        ("version: 1.2.1.1", "version: 1.3.0.1"),
        ("  phone: {type: phone", "  pronouns: {type: word, personal: none}\n  phone: {type: phone"),
        ("  by_joined: {columns: [joined_on, id]}\n", "  by_place: {columns: [location, id]}\n"),
    )
    world.changed(
        "Merge pull request #8 from sunita/answers",
        f"{PERSON}/gatehouse_person/person/structs.py",
        ("    location: str | None\n    status: PersonStatus", "    status: PersonStatus"),
    )
    return world.changed(
        "Settle the introduction",
        f"{PERSON}/service.toml",
        ("[settings.intro_timeout_days]", "[settings.intro_days]"),
        ("default = 14\n", ""),
    )


@pytest.fixture(scope="module")
def page(world: World, second: str) -> PreviewPage:
    return world.preview(moved(world.first, second)).page


def test_it_lists_the_commits_and_pull_requests_of_each_service(page: PreviewPage):
    (move,) = page.moves
    assert (move.before, move.after, move.note) == ("v1", "v2", "")
    assert [(one.subject, one.pull_request) for one in move.commits] == [
        ("Settle the introduction", None),
        ("Merge pull request #8 from sunita/answers", 8),
        ("Ask for pronouns (#7)", 7),
    ]
    assert {one.by for one in move.commits} == {"Sunita Rao"}


def test_it_lists_keys_that_come_go_and_have_no_value(page: PreviewPage):
    assert [(one.key, one.what) for one in page.settings] == [
        ("intro_days", "added"),
        ("intro_days", "without a value"),
        ("intro_timeout_days", "removed"),
    ]


def test_it_plans_the_database_with_what_each_step_locks(page: PreviewPage):
    (database,) = page.databases
    assert database.versions == {"person": ("1.2.1.1", "1.3.0.1")}
    steps = {step.what: step for step in database.steps}
    assert any("pronouns" in what for what in steps)
    (built,) = [step for what, step in steps.items() if "by_place" in what]
    assert "reads and writes continue" in built.locks
    (dropped,) = [step for what, step in steps.items() if "by_joined" in what]
    assert dropped.phase == "contract"


def test_it_tells_whom_the_api_breaks_first(page: PreviewPage):
    (api,) = page.apis
    assert api.note == ""
    assert "is gone" in {one.what for one in api.breaking if one.where.endswith(".location")}
    assert [one.breaking for one in api.differences] == sorted((one.breaking for one in api.differences), reverse=True)


def test_it_says_whether_there_is_a_way_back_and_why(page: PreviewPage):
    (way,) = page.ways_back
    assert not way.possible
    assert "by_joined" in way.why
    assert not page.can_be_rolled_back


def test_it_says_when_nobody_has_seen_the_source_work(page: PreviewPage):
    assert page.health is not None
    assert (page.health.seen_at, page.health.note) == (
        None,
        "nobody has seen person as released there running together. Fix: gate promote verify dev",
    )


def test_a_merge_has_no_source_to_be_well(world: World):
    assert world.preview(moved(world.first, world.first), "dev", MERGE).page.health is None


def test_it_reads_well_in_a_terminal_and_as_json(page: PreviewPage):
    console = Console(width=100)
    with console.capture() as captured:
        console.print(shown(page))
    text = captured.get()
    for said in (
        "dev → test",
        "person: v1 → v2",
        "person.intro_days without a value",
        "person 1.2.1.1 → 1.3.0.1",
        "breaks GET /api/person/people",
        "person can’t be rolled back",
    ):
        assert said in text, text
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(page))), PreviewPage) == page


def test_going_back_lists_what_is_taken_back_and_what_the_schema_refuses(world: World, second: str):
    back = world.preview(moved(second, world.first)).page
    assert back.moves[0].note == "takes back 3 commits, listed here"
    assert len(back.moves[0].commits) == 3
    assert any("is older than the applied version" in refusal for refusal in back.databases[0].refusals)


def test_a_first_release_shows_what_it_brings(world: World):
    first = world.preview({"topics": ReleaseChange(before=None, after=release(world.first))}).page
    assert [(move.before, move.note) for move in first.moves] == [("", "its first release here")]
    (database,) = first.databases
    assert "create schema topics" in {step.what for step in database.steps}
    assert first.apis == ()
    assert first.can_be_rolled_back


def test_a_service_that_did_not_change_has_nothing_to_say(world: World, second: str):
    """Its image was built anew from another commit, with the same content of its own."""
    page = world.preview(moved(world.first, second, "curriculum")).page
    assert (page.apis, page.databases, page.settings) == ((), (), ())
    assert page.can_be_rolled_back


def test_a_commit_that_is_not_known_is_told_and_the_rest_is_shown(world: World):
    page = world.preview({"person": ReleaseChange(before=release("0" * 40), after=release(world.first, 2))}).page
    assert "aren't known here" in page.moves[0].note
    assert "not compared" in page.apis[0].note
    assert "not planned" in page.databases[0].note
    assert not page.can_be_rolled_back


def test_code_that_does_not_start_is_told(world: World, second: str):
    broken = commit(world.git, "Break it", **{f"{PERSON}/gatehouse_person/app.py": "raise RuntimeError('broken')\n"})
    (api,) = world.preview(moved(world.first, broken)).page.apis
    assert "doesn't start with today's libraries: RuntimeError: broken" in api.note
    world.git.git("reset", "--quiet", "--hard", second)


# The fingerprint.


def test_the_fingerprint_stays_while_nothing_that_counts_changes(world: World, second: str):
    before = world.preview(moved(world.first, second)).fingerprint
    commit(world.git, "Write", **{"README.md": "Words.\n", "platform/README.md": "More.\n"})
    record = "stacks/releases/test/01J.yaml"
    commit(world.git, "Note", **{record: "id: 01J\n"})
    commit(world.git, "Test", **{"platform/tests/test_x.py": "def test_x(): pass\n"})
    assert world.preview(moved(world.first, second)).fingerprint == before
    world.git.git("reset", "--quiet", "--hard", second)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("stacks/Pulumi.test.yaml", "  gatehouse:log_days: 7\n"),
        ("platform/gatehouse_platform/program.py", "# other\n"),
        ("services/topics/service.toml", "\n# other\n"),
        ("observability/gatehouse_observability/rules.py", "# other\n"),
    ],
)
def test_the_fingerprint_moves_with_what_a_deployment_would_do(world: World, second: str, path: str, text: str):
    before = world.preview(moved(world.first, second)).fingerprint
    old = world.text(path) if (world.git.root / path).exists() else ""
    commit(world.git, "Change it", **{path: old + text})
    assert world.preview(moved(world.first, second)).fingerprint != before
    world.git.git("reset", "--quiet", "--hard", second)


def test_the_fingerprint_moves_with_environment_and_releases(world: World, second: str):
    changes = moved(world.first, second)
    other = {"person": msgspec.structs.replace(changes["person"], after=release(second, 3))}
    prints = {
        world.preview(changes).fingerprint,
        world.preview(changes, "staging", "test").fingerprint,
        world.preview(other).fingerprint,
        world.preview(moved(second, world.first)).fingerprint,
    }
    assert len(prints) == 4


# Infrastructure.

DIFF = """{"added": [{"type": "aws:sqs/queue:Queue", "name": "person"}], "removed": [],
"changed": [{"key": "k", "type": "aws:ecs/service:Service", "name": "person",
"changes": [{"path": "desiredCount", "before": 1, "after": 2}]}]}"""


def test_infrastructure_is_what_gate_stack_diff_says(tmp_path: Path):
    found = compared(["cat", str(written(tmp_path, DIFF))], tmp_path, {"PATH": "/usr/bin:/bin"})
    assert found.added == ("Queue person",)
    assert found.changed == ("Service person: desiredCount",)
    assert found.note == ""


def written(folder: Path, text: str) -> Path:
    (folder / "diff.json").write_text(text)
    return folder / "diff.json"


@pytest.mark.parametrize("command", [["false"], ["no-such-program"], ["echo", "words"]])
def test_infrastructure_that_can_not_be_compared_is_told(tmp_path: Path, command: list[str]):
    assert "not compared" in compared(command, tmp_path, {"PATH": "/usr/bin:/bin"}).note


def test_nothing_is_asked_where_nothing_came_to_main(world: World, second: str):
    """The first commit wrote the stack file; what came since is no business of the platform's, but one service.toml."""

    def note() -> str:
        with Files(world.git, {}) as files:
            head = world.git.git("rev-parse", "HEAD")
            return Sections(world.git, files, {}, {}).infrastructure("test", head, ["no-such-gate"]).note

    assert "not compared" in note()  # there is no `gate` in this checkout: it was asked
    commit(world.git, "Deploy", **{"stacks/Pulumi.test.yaml": world.text("stacks/Pulumi.test.yaml") + "# deployed\n"})
    commit(world.git, "Write", **{"README.md": "Words.\n"})
    assert note() == ""
    world.git.git("reset", "--quiet", "--hard", second)


# Rules.

SECRET: dict[str, Any] = {"settings": {"key": {"type": "text", "secret": True}}}


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({}, []),  # random: the platform makes one
        ({"secrets": {"key": "given"}}, [("key", "without a value")]),
        ({"secrets": {"key": "none"}}, [("key", "without a value")]),
        ({"settings": {"old": 1}}, [("old", "unknown")]),
    ],
)
def test_secrets_and_forgotten_keys_of_the_stack_file(choice: dict[str, Any], said: list[tuple[str, str]]):
    target = {"gatehouse:services": {"person": choice}}
    found = conclusions.settings("person", SECRET, SECRET, target)
    assert [(one.key, one.what) for one in found] == said


@pytest.mark.parametrize(
    ("collections", "possible", "why"),
    [
        ({"person": "1.2.0.4"}, True, "still has all"),
        ({"person": "1.4.0.1"}, True, "still has all"),
        ({"person": "2.0.0.1"}, False, "another major version than 1.2.0"),
        ({"person": "1.1.9.1"}, False, "person is 1.1.9.1, 1.2.0 is needed"),
        ({}, False, "person is gone"),
    ],
)
def test_the_way_back_follows_readiness(collections: dict[str, str], possible: bool, why: str):
    before = {"database": {"needs": {"person": "1.2.0"}}}
    way = conclusions.way_back("person", before, collections, [])
    assert way.possible is possible
    assert why in way.why


def rules_of(preview: LazyPage) -> dict[str, str]:
    return {reason.rule: reason.message for reason in preview.problems}


def test_a_setting_that_comes_without_a_value_is_a_reason(world: World, second: str):
    preview = world.preview(moved(world.first, second))
    assert rules_of(preview).keys() == {"setting-missing"}
    (reason,) = preview.problems
    assert "person.intro_days is new and has no value in test" in reason.message
    assert "stacks/Pulumi.test.yaml" in reason.fix


def test_what_an_earlier_release_did_without_is_no_reason(world: World, second: str):
    assert world.preview(moved(second, second)).problems == ()
    assert world.preview({"person": ReleaseChange(before=None, after=release(world.first))}).problems == ()


def test_a_page_with_holes_is_a_reason(world: World, second: str):
    found = rules_of(world.preview(moved("0" * 40, second)))
    assert "preview-incomplete" in found
    assert "preview-incomplete" in rules_of(world.preview(moved("", second)))


def test_a_schema_change_that_db_manager_refuses_is_a_reason(world: World, second: str):
    """The same change as the one before, backwards."""
    found = rules_of(world.preview(moved(second, world.first)))
    assert "schema-refused" in found
    assert "person" in found["schema-refused"]


def test_a_rollback_to_code_that_cant_live_with_todays_schema_is_a_reason(world: World, second: str):
    today = msgspec.structs.replace(release(second, 1), collections={"person": "2.0.0.0"})
    change = {"person": ReleaseChange(before=today, after=release(world.first, 2))}
    found = rules_of(world.preview(change, "test", "test"))
    assert found.keys() == {"no-way-back"}
    assert "person is 2.0.0.0, another major version" in found["no-way-back"]
    assert world.preview(moved(second, world.first), "test", "test").problems == ()


def test_each_hole_in_a_page_is_a_reason():
    """A page with one hole alone: where there is one, a clone too shallow has several."""
    move = ReleaseMove(service="person", before="v1", after="v2", note="its commits aren't known here", unknown=True)
    setting = SettingDifference(service="person", key="(any)", what="not known", detail="no such commit")
    database = DatabasePreview(service="person", note="its configuration is wrong", unknown=True)
    for moves, settings, databases in (([move], [], []), ([], [setting], []), ([], [], [database])):
        (reason,) = conclusions.problems("test", moves, settings, databases, [])
        assert reason.rule == "preview-incomplete"
        assert "person" in reason.message
