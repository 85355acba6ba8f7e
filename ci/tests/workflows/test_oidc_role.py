"""The role that a workflow takes is one that the platform makes, and lets that GitHub environment take."""

from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_catalog.releases import ENVIRONMENTS
from gatehouse_ci.workflows.oidc_role import NoWorkflowRole, workflow_role
from gatehouse_release.testing.checkout import write

ROOT = find_root(Path(__file__))


@pytest.fixture(scope="module")
def roles() -> dict[str, str]:
    """The roles of the foundation by name, each with whom it trusts."""
    from gatehouse_platform.offline.check import graph_of

    made = graph_of(ROOT, "foundation").of_type("aws:iam/role:Role")
    return {
        role.properties["name"]: role.properties["assumeRolePolicy"] for role in made if role.properties.get("name")
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("may", ["apply", "plan"])
def test_the_platform_makes_the_role_and_lets_that_environment_in(roles: dict[str, str], environment: str, may):
    way = workflow_role(ROOT, environment, may)
    assert f':environment:{way.environment}"' in roles[way.role.rpartition("/")[2]]


def test_what_is_missing_is_named(tmp_path: Path):
    write(tmp_path / "stacks" / "Pulumi.dev.yaml", "config:\n  aws:region: eu-central-1\n")
    with pytest.raises(NoWorkflowRole, match=r"stacks/Pulumi\.dev\.yaml: config: gatehouse:account is missing"):
        workflow_role(tmp_path, "dev", "plan")
    with pytest.raises(NoWorkflowRole, match=r"nowhere is no environment"):
        workflow_role(tmp_path, "nowhere", "plan")
