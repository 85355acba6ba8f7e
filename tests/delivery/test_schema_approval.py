"""A schema change that loses data reaches a database with an approval of its plan, or not at all.

db-manager runs for real, against a PostgreSQL, where the platform's program runs its task.
"""

import tempfile
from collections.abc import Callable, Generator
from pathlib import Path

import psycopg
import pytest

from gatehouse_db_manager import RefusedError, apply, load
from gatehouse_db_manager.config.load import INCLUDED
from gatehouse_local.testing.pytest_plugin import Postgres
from gatehouse_release.git.files import archived, lay_out

from .conftest import Institute, an_institute, rules_of

SERVICES = ("identity", "person", "topics")  # identity follows an event of person
SKILL, ENTRY = "services/topics/database/collections/skill.yaml", "services/topics/service.toml"
READ = ("services/topics/database", "db-manager/types", INCLUDED)


@pytest.fixture(scope="module")
def databases(postgres: Postgres) -> Generator[dict[str, str]]:
    found = {name: postgres.create_database() for name in ("dev", "test")}
    yield found
    for url in found.values():
        postgres.drop_database(url)


@pytest.fixture(scope="module")
def institute(tmp_path_factory: pytest.TempPathFactory, databases: dict[str, str]) -> Generator[Institute]:
    with an_institute(tmp_path_factory.mktemp("institute"), SERVICES) as made:
        made.engine.migrate = migrating(made, databases)
        made.merge("Begin to build")
        made.done("ci", "promote", "dev", releases=made.build(SERVICES))
        made.done("eva", "promote", "test", domain="everything")
        yield made


def migrating(institute: Institute, databases: dict[str, str]) -> Callable[[str, str, str, list[str]], str]:
    def migrate(environment: str, service: str, commit: str, approved: list[str]) -> str:
        if service != "topics":
            return ""
        with tempfile.TemporaryDirectory() as folder:
            lay_out(archived(institute.checkout, commit, *READ), Path(folder))
            try:
                apply(databases[environment], load(Path(folder), ["topics"]), environment=environment, approve=approved)
            except RefusedError as refused:
                return str(refused)
        return ""

    return migrate


def columns(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        query = "select column_name from information_schema.columns where table_schema = %s and table_name = %s"
        return {name for (name,) in connection.execute(query, ("topics", "skill")).fetchall()}


@pytest.mark.deep
def test_a_destructive_migration_goes_only_with_an_approval_of_its_plan(
    institute: Institute, databases: dict[str, str]
):
    root = institute.checkout.root
    skill = (root / SKILL).read_text().replace("version: 1.0.1.0", "version: 2.0.0.0")
    entry = (root / ENTRY).read_text().replace('skill = "1.0.0"', 'skill = "2.0.0"')
    files = {SKILL: skill.replace("  description: {type: markdown, personal: none}\n", ""), ENTRY: entry}
    institute.merge("Describe skills no more", **files)
    # The review of the pull request approved it for dev.
    institute.done("ci", "promote", "dev", releases=institute.build(["topics"]))
    assert "description" not in columns(databases["dev"])

    request = institute.seen("promote", "test", services=("topics",))
    refused = institute.refused(request, "eva")
    assert rules_of(refused) == {"plan-unapproved"}
    (reason,) = refused.reasons
    assert "description" in reason.message
    fingerprint = reason.fix.rpartition(" ")[2]
    assert "description" in columns(databases["test"])

    wrong = institute.seen("promote", "test", services=("topics",), approved_plans=("0" * 16,))
    assert rules_of(institute.refused(wrong, "eva")) == {"plan-unapproved"}

    record = institute.done("eva", "promote", "test", services=("topics",), approved_plans=(fingerprint,))
    assert record.approved_plans == {"topics": fingerprint}
    assert "description" not in columns(databases["test"])
    assert institute.state.releases["test"]["topics"] == institute.state.releases["dev"]["topics"]


@pytest.mark.deep
def test_an_approval_is_for_one_promotion(institute: Institute):
    """The next one of the service takes it out of the stack file again."""
    path = "stacks/Pulumi.test.yaml"
    assert "gatehouse:approved_plans:" in institute.state.tree[path]
    institute.merge("Change topics", **{"services/topics/gatehouse_topics/rules.py": "RULES = 2\n"})
    institute.done("ci", "promote", "dev", releases=institute.build(["topics"]))
    institute.done("eva", "promote", "test", services=("topics",))
    assert "gatehouse:approved_plans: {}" in institute.state.tree[path]
