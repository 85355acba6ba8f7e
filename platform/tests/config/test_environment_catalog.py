"""The services of one environment: the catalog's, and those that left it and are still released there."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gatehouse_catalog import CatalogError, load_catalog
from gatehouse_platform.config.environment_catalog import environment_catalog, lay_out_removed
from gatehouse_platform.config.settings import EnvironmentSettings
from gatehouse_platform.config.stack_config import read_config, read_stack
from gatehouse_platform.offline.check import at_revision, graph_of
from gatehouse_release.testing.checkout import commit, copied

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "a" * 64
TASK = "aws:ecs/taskDefinition:TaskDefinition"


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A checkout in which partner was renamed to sponsor; test still runs partner."""
    git = copied(ROOT, tmp_path_factory.mktemp("checkout") / "a checkout")
    head = git.git("rev-parse", "HEAD")
    folder = git.root / "services"
    (folder / "partner").rename(folder / "sponsor")
    file = folder / "sponsor" / "service.toml"
    text = file.read_text().replace('name = "partner"', 'name = "sponsor"')
    file.write_text(text.replace('"partner.', '"sponsor.'))  # its events have its name
    release = {"tag": "v1", "digest": DIGEST, "database_digest": DIGEST, "commit": head}
    stack = git.root / "stacks" / "Pulumi.test.yaml"
    entry = "".join(f"      {key}: {value}\n" for key, value in release.items())
    text = stack.read_text().replace("gatehouse:releases: {}", f"gatehouse:releases:\n    partner:\n{entry.rstrip()}")
    commit(git, "Rename", **{"stacks/Pulumi.test.yaml": text})
    return git.root, {"partner": release}


def test_where_it_is_released_it_stays_and_what_takes_its_place_waits(left: tuple[Path, dict[str, Any]]):
    root, releases = left
    assert set(environment_catalog(root, "test", releases).names) == set(load_catalog(ROOT).names)
    assert "partner" not in environment_catalog(root, "dev", {})
    assert "sponsor" in environment_catalog(root, "dev", {})


def test_its_resources_are_made_as_before(left: tuple[Path, dict[str, Any]]):
    root, _ = left
    services = {one.name for one in graph_of(root, "test").of_type("aws:lb/listenerRule:ListenerRule")}
    assert "partner" in services
    assert "sponsor" not in services


def test_a_folder_without_history_has_its_file_laid_out(left: tuple[Path, dict[str, Any]], tmp_path: Path):
    root, releases = left
    with at_revision(root, "HEAD") as folder:
        assert "partner" in environment_catalog(folder, "test", releases)
    shutil.copytree(root / "services", tmp_path / "services")
    shutil.copytree(root / "stacks", tmp_path / "stacks")
    (tmp_path / "pyproject.toml").touch()
    with pytest.raises(CatalogError, match=r"releases.partner: is no service, and its release's commit isn't known"):
        environment_catalog(tmp_path, "test", releases)
    lay_out_removed(root, tmp_path)
    assert "partner" in environment_catalog(tmp_path, "test", releases)


def test_a_name_that_never_was_a_service_is_refused_with_the_nearest(left: tuple[Path, dict[str, Any]]):
    root, releases = left
    release = releases["partner"]
    with pytest.raises(CatalogError, match=r'releases.persn: is no service.*Did you mean "person"\?'):
        environment_catalog(root, "test", {"persn": release})


def test_settings_of_a_service_that_is_gone_stop_no_deployment(left: tuple[Path, dict[str, Any]]):
    root, _ = left
    config = {**read_config(root, "dev"), "gatehouse:services": {"partner": {"max": 3}}}
    catalog = environment_catalog(root, "dev", {})
    settings = read_stack("dev", config, catalog, former_choices=True).settings
    assert isinstance(settings, EnvironmentSettings)
    assert settings.services == {}
    with pytest.raises(CatalogError, match=r"services.partner: is no service"):
        read_stack("dev", config, catalog)


def test_what_was_approved_of_a_plan_reaches_the_task_that_carries_it_out(root: Path):
    config = {**read_config(root, "dev"), "gatehouse:approved_plans": {"person": "abc123 def456"}}
    schemas = {one.name: str(one.properties) for one in graph_of(root, "dev", config=config).of_type(TASK)}
    (words,) = (text for name, text in schemas.items() if name == "person-database")
    assert '"command":["apply","--approve","abc123","--approve","def456"]' in words.replace(" ", "").replace("\\", "")
    assert "--approve" not in "".join(text for name, text in schemas.items() if name != "person-database")
