"""What goes wrong, seen through the real ports: refused or failed with its reason, and everything agrees afterwards.

Each test leaves the institute as it found it: three services in dev, two of them in test.
"""

import dataclasses
import json
import shlex
import threading
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gatehouse_local.gate import gate
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.model import Record, Release, RunningService
from gatehouse_release.ports import Runtime
from gatehouse_release.preview import previewer
from gatehouse_release.promoter import Promoter, PromotionOutcome

from .conftest import CODE, REPOSITORY, ROOT, Institute, actor, an_institute, rules_of

SERVICES = ("identity", "person", "topics")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Institute]:
    with an_institute(tmp_path_factory.mktemp("institute"), SERVICES) as institute:
        institute.merge("Begin to build", **{CODE: "RULES = 1\n"})
        institute.done("ci", "promote", "dev", releases=institute.build(SERVICES))
        institute.done("eva", "promote", "test", domain="people")
        yield institute


@pytest.fixture
def institute(running: Institute) -> Generator[Institute]:
    yield running
    running.fixed()
    running.promoter.resume(actor("ci"))
    for environment in ("dev", "test"):
        if running.state.last_seen(environment) is None:  # a failure is behind it
            running.done("sam", "verify", environment)
        running.agree(environment, **tags(running, environment))


def tags(institute: Institute, environment: str) -> dict[str, str]:
    return {name: release.tag for name, release in institute.state.releases[environment].items()}


def fails(institute: Institute, releases: dict[str, Release]) -> tuple[Record, str]:
    """A release to dev that doesn't arrive: its record, and why."""
    outcome = institute.ask("ci", "promote", "dev", releases=releases)
    assert not outcome.ok
    assert outcome.record is not None
    failed = next(step for step in outcome.record.history if step.state == "failed")
    return outcome.record, failed.why


@pytest.mark.deep
def test_a_breakers_rollback_is_no_success_though_pulumi_says_so(institute: Institute):
    before = tags(institute, "dev")
    institute.ecs.rolls_back("dev", "members")
    institute.engine.breaks = "dev/person"
    record, why = fails(institute, institute.merge_code())
    assert "person: the deployment breaker rolled its group members, where person failed, back" in why
    assert tags(institute, "dev") == before  # git says again what is
    assert [step.state for step in record.history] == ["applying", "failed", "reverted"]


@pytest.mark.deep
def test_a_service_that_answers_the_old_digest_is_not_verified(institute: Institute):
    before = institute.state.releases["dev"]["person"]
    institute.ecs.answers["person"] = before.digest
    record, why = fails(institute, institute.merge_code())
    assert f"a task answers {before.digest} at /version" in why
    assert institute.state.releases["dev"]["person"] == before
    # What was put back answers as meant.
    assert institute.state.records[record.id].state == "reverted"


@pytest.mark.deep
def test_a_service_that_does_not_answer_is_not_verified(institute: Institute):
    institute.ecs.answers["person"] = ""
    record, why = fails(institute, institute.merge_code())
    assert "a task answers nothing at /version" in why
    assert record.state == "failed"  # nor does what was put back
    institute.fixed()
    (settled,) = institute.promoter.resume(actor("ci"))
    assert (settled.id, settled.state) == (record.id, "reverted")


@pytest.mark.deep
def test_an_update_that_fails_says_what_pulumi_said(institute: Institute):
    institute.engine.fails = "refused: person.email has duplicates"
    _, why = fails(institute, institute.merge_code())
    assert "`pulumi up --stack dev` ended with" in why
    assert "person.email has duplicates" in why


@pytest.mark.deep
def test_an_update_that_finds_the_stack_locked_waits_for_its_turn(institute: Institute):
    institute.engine.locked = True
    institute.done("ci", "promote", "dev", releases=institute.merge_code())


@pytest.mark.deep
def test_a_set_with_a_digest_that_the_registry_has_not_is_refused_whole(institute: Institute):
    releases = institute.merge_code() | institute.build(["topics"])
    lost = releases["topics"].database_digest
    assert lost
    institute.images.lose(f"{REPOSITORY}/topics-database", lost)
    decision = institute.refused(institute.seen("promote", "dev", releases=releases), "ci")
    assert rules_of(decision) == {"digest-missing"}
    assert f"topics-database@{lost}" in str(decision.reasons[0])


def test_a_tag_that_somebody_moved_is_refused(institute: Institute):
    releases = institute.merge_code()
    other = institute.images.push(f"{REPOSITORY}/person", text="something else")
    institute.ports.registry.tag("person", other, releases["person"].tag)
    decision = institute.refused(institute.seen("promote", "dev", releases=releases), "ci")
    assert rules_of(decision) == {"tag-moved"}
    assert other in str(decision.reasons[0])


def test_an_image_that_our_build_did_not_make_is_refused(institute: Institute):
    releases = institute.merge_code()
    foreign = releases["person"].database_digest
    assert foreign
    institute.not_ours(foreign)
    decision = institute.refused(institute.seen("promote", "dev", releases=releases), "ci")
    assert rules_of(decision) == {"not-attested"}
    assert "person v" in str(decision.reasons[0])


def test_a_preview_gone_stale_is_refused_until_it_is_looked_at_again(institute: Institute):
    seen = institute.seen("promote", "test", domain="learning")
    path = "services/person/service.toml"
    text = (institute.checkout.root / path).read_text().replace("latency_p99_ms = 300", "latency_p99_ms = 400")
    institute.merge("Expect less of person", **{path: text})
    decision = institute.refused(seen, "eva")
    assert rules_of(decision) == {"preview-stale"}
    assert seen.fingerprint[:12] in str(decision.reasons[0])


def test_a_change_that_concerns_no_deployment_makes_no_preview_stale(institute: Institute):
    seen = institute.seen("promote", "test", domain="learning")
    institute.merge("Write", **{"README.md": f"{institute.built} words.\n"})
    assert institute.promoter.explain(seen, actor("eva")).allowed


@pytest.mark.deep
def test_what_failed_outside_goes_no_further(institute: Institute):
    institute.black_box_says("1 failed, 11 passed in 0.10s")
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    decision = institute.refused(institute.seen("promote", "test", services=("person",)), "eva")
    assert rules_of(decision) == {"black-box"}
    assert "1 failed, 11 passed" in str(decision.reasons[0])
    institute.black_box_says("12 passed in 0.10s")
    institute.done("eva", "verify", "dev")
    assert institute.promoter.explain(institute.seen("promote", "test", services=("person",)), actor("eva")).allowed


@pytest.mark.deep
def test_what_stopped_running_as_meant_goes_no_further(institute: Institute):
    """Somebody deployed by hand since it was verified."""
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    request = institute.seen("promote", "test", services=("person",))
    institute.ecs.answers["person"] = institute.state.releases["test"]["person"].digest
    assert rules_of(institute.refused(request, "eva")) == {"not-running"}


def test_a_run_that_ends_before_it_deploys_is_settled_by_the_next(institute: Institute):
    releases = institute.merge_code()
    request = institute.seen("promote", "dev", releases=releases)
    ports = dataclasses.replace(institute.ports, runtime=Crashing(institute.ports.runtime))
    crashed = Promoter(ports, patience=timedelta(0))
    with pytest.raises(Crash):
        crashed.run(request, actor("ci"))
    (begun,) = institute.state.undecided("dev")
    assert institute.state.releases["dev"]["person"] == releases["person"]  # the intent is written, nothing runs yet
    assert institute.ecs.runs("dev")["person"] != releases["person"].digest
    (settled,) = institute.promoter.resume(actor("sam"))
    assert (settled.id, settled.state, settled.history[-1].by) == (begun.id, "verified", "sam")


@pytest.mark.deep
def test_two_at_once_both_arrive(institute: Institute, tmp_path: Path):
    """Each with a clone of its own; one loses a push and decides anew."""
    person, topics = institute.merge_code(), institute.build(["topics"])
    requests = [institute.seen("promote", "dev", releases=releases) for releases in (person, topics)]
    outcomes: list[PromotionOutcome] = []

    def run(number: int) -> None:
        repository = GitRepository(str(institute.remote), tmp_path / str(number))
        previews = previewer.connect(
            institute.checkout.root, institute.environ, repository, lambda: institute.ports.registry
        )
        ports = dataclasses.replace(institute.ports, repository=repository, previews=previews)
        outcomes.append(Promoter(ports, patience=timedelta(0)).run(requests[number], actor("ci")))

    threads = [threading.Thread(target=run, args=[number]) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [outcome.ok for outcome in outcomes] == [True, True]
    expected = {"person": person["person"].tag, "topics": topics["topics"].tag}
    assert {name: tag for name, tag in tags(institute, "dev").items() if name in expected} == expected


@pytest.mark.deep
def test_a_setting_without_a_value_in_the_target_goes_no_further(institute: Institute):
    """A release that adds a setting; test gets a value for it by a merge."""
    path = "services/person/service.toml"
    text = (institute.checkout.root / path).read_text()
    setting = '\n[settings.mail_sender]\ntype = "text"\nhelp = "Who sends"\n'
    institute.merge("Send mail", **{path: text + setting, CODE: "RULES = 1000\n"})
    dev, test = (f"stacks/Pulumi.{name}.yaml" for name in ("dev", "test"))
    releases = institute.build(["person"])
    decision = institute.refused(institute.seen("promote", "dev", releases=releases), "ci")
    assert rules_of(decision) == {"setting-missing"}
    assert "person.mail_sender is new and has no value in dev" in str(decision.reasons[0])
    value = "  gatehouse:services: {person: {settings: {mail_sender: a@example.org}}}\n"
    institute.pull()
    institute.merge("Say who sends in dev", **{dev: (institute.checkout.root / dev).read_text() + value})
    institute.done("ci", "promote", "dev", releases=releases)
    request = institute.seen("promote", "test", services=("person",))
    assert rules_of(institute.refused(request, "eva")) == {"setting-missing"}
    institute.pull()
    institute.merge("Say who sends in test", **{test: (institute.checkout.root / test).read_text() + value})
    institute.done("eva", "promote", "test", services=("person",))


@pytest.mark.deep
def test_an_edited_record_stops_its_environment_until_it_is_put_back(institute: Institute):
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    record = institute.state.of("test")[-1]
    written = institute.state.tree[record.path]
    institute.merge("Say it was somebody else", **{record.path: written.replace("by: eva", "by: tim")})
    request = institute.seen("promote", "test", services=("person",))
    decision = institute.refused(request, "eva")
    assert rules_of(decision) == {"unreadable"}
    assert f"{record.path}: seal" in str(decision.reasons[0])
    institute.done("ci", "promote", "dev", releases=institute.merge_code())  # dev goes on
    institute.merge("Put it back", **{record.path: written})
    assert institute.promoter.explain(institute.seen("promote", "test", services=("person",)), actor("eva")).allowed


def test_a_run_started_again_by_another_person_writes_nothing(institute: Institute, monkeypatch: pytest.MonkeyPatch):
    """The committed policy's release manager started it; GitHub keeps that name when somebody else runs it again."""
    root = str(institute.checkout.root)
    monkeypatch.chdir(root)
    before = institute.state.revision
    person = {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "viktor.stahl@example.org"}
    words = ["--root", root, "promote", "freeze", "dev", "--reason", "the exams"]
    again = {**institute.environ, **person, "GITHUB_TRIGGERING_ACTOR": "mallory"}
    refused = CliRunner().invoke(gate, words, env=again)
    assert (refused.exit_code, institute.state.revision) == (2, before)
    assert "mallory started it again" in " ".join(refused.output.split())
    first = {**institute.environ, **person, "GITHUB_TRIGGERING_ACTOR": "viktor.stahl@example.org"}
    assert CliRunner().invoke(gate, words, env=first).exit_code == 0
    (freeze,) = institute.state.coming_freezes("dev", institute.ports.clock.now())
    assert freeze.by == "viktor.stahl@example.org"
    institute.done("sam", "unfreeze", "dev", record=freeze.id)


@pytest.mark.deep
def test_the_runbook_of_a_bad_release_works_as_it_is_written(institute: Institute, monkeypatch: pytest.MonkeyPatch):
    """Its commands, one after the other, by whoever is on call; what it asks is answered."""
    monkeypatch.chdir(institute.checkout.root)
    good = institute.merge_code()
    institute.done("ci", "promote", "dev", releases=good)
    institute.done("ci", "promote", "dev", releases=institute.merge_code())
    text = (ROOT / "platform" / "runbooks" / "rollback.md").read_text(encoding="utf-8")
    commands = [shlex.split(line.strip()) for line in text.splitlines() if line.strip().startswith("gate promote")]
    assert [words[2] for words in commands] == ["rollback", "status", "lift"]
    for words in commands:
        holds = [hold.id for hold in institute.state.holds("dev")]
        asked = [holds[0] if word == "ID" else word for word in words[2:]]
        answers = ["--yes"] if asked[0] == "rollback" else []
        line = ["--root", str(institute.checkout.root), "promote", "--as", "sunita.rao@example.org", *asked, *answers]
        done = CliRunner().invoke(gate, line, env=institute.environ)
        assert done.exit_code == 0, done.output
        if asked[0] == "rollback":
            assert institute.state.releases["dev"]["person"] == good["person"]
            assert [hold.service for hold in institute.state.holds("dev")] == ["person"]
    assert institute.state.holds("dev") == []


@pytest.mark.deep
def test_the_command_line_does_the_same_with_the_ports_that_it_connects(
    institute: Institute, monkeypatch: pytest.MonkeyPatch
):
    """Last in this file: it brings topics to test."""
    root = str(institute.checkout.root)
    monkeypatch.chdir(root)  # `--root` goes there, too; this brings us back

    def gate_promote(*words: str) -> tuple[int, Any]:
        done = CliRunner().invoke(gate, ["--root", root, "promote", *words, "--json"], env=institute.environ)
        return done.exit_code, json.loads(done.stdout)

    code, page = gate_promote("plan", "test", "--domain", "learning")
    assert (code, page["environment"]) == (0, "test")
    assert page["fingerprint"] == institute.seen("promote", "test", domain="learning").fingerprint
    engineer = ("--as", "tomas.varga@example.org")
    code, outcome = gate_promote(
        *engineer, "apply", "test", "--domain", "learning", "--fingerprint", page["fingerprint"]
    )
    assert (code, outcome["record"]["state"]) == (0, "verified")
    assert outcome["record"]["seen"]["black_box"] == {"passed": True, "summary": "12 passed"}
    code, refused = gate_promote(*engineer, "explain", "production")
    assert (code, refused["allowed"]) == (2, False)


class Crash(BaseException):
    """The machine is gone."""


class Crashing:
    """Ends where it would deploy."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def deploy(self, environment: str, revision: str) -> None:
        raise Crash

    def running(self, environment: str, service: str) -> RunningService | None:
        return self._runtime.running(environment, service)
