"""`gate affected`, `hooks`, `way-in`, `deploy` and `drift`. Each command parses its arguments and calls a module."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import json
import os
import sys
from typing import Literal

import click

from gatehouse_catalog.releases import ENVIRONMENTS


@click.command()
@click.option("--base", metavar="REVISION", help="Compare with where HEAD branched from it (default: origin's main).")
@click.option("--released", metavar="ENVIRONMENT", help="Compare each service with its release in this environment.")
@click.option("--all", "everything", is_flag=True, help="Compare with nothing: everything is affected.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts, with every reason.")
@click.option("--github", is_flag=True, help="Also write a workflow step's outputs to $GITHUB_OUTPUT.")
def affected(base: str | None, released: str | None, everything: bool, as_json: bool, github: bool) -> None:
    """Show what a change affects (images, tests, deployments), and why.

    Compares the files as they are, including those that git doesn't track yet.
    """
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected import report
    from gatehouse_ci.workflows.outputs import for_workflow

    if sum(map(bool, (base, released, everything))) > 1:
        raise click.UsageError("Use only one of --base, --released and --all.")
    root = find_root()
    answer = report.since_release(root, released) if released else report.look(root, base, everything=everything)
    if github:
        for_workflow(report.outputs(answer, root))
    if as_json:
        click.echo(json.dumps(report.as_json(answer, root), indent=2))
    else:
        click.echo(report.for_people(answer, report.runner_minutes(answer, root)))


@click.command("way-in")
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@click.option(
    "--may", type=click.Choice(["apply", "plan"]), default="plan", show_default=True, help="What the role may do."
)
@click.option("--github", is_flag=True, help="Also write a workflow step's outputs to $GITHUB_OUTPUT.")
def way_in(environment: str, may: Literal["apply", "plan"], github: bool) -> None:
    """Show the IAM role that a workflow assumes for an environment."""
    import msgspec

    from gatehouse_catalog import find_root
    from gatehouse_ci.workflows.oidc_role import workflow_role
    from gatehouse_ci.workflows.outputs import for_workflow

    role = msgspec.structs.asdict(workflow_role(find_root(), environment, may))
    if github:
        for_workflow(role)
    click.echo(json.dumps(role, indent=2))


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def drift(environment: str, as_json: bool) -> None:
    """Check an AWS environment for drift from main. Exits 2 if it has drifted.

    Needs Pulumi and a read-only role (gate way-in ENVIRONMENT). Changes nothing.
    """
    import msgspec

    from gatehouse_catalog import find_root
    from gatehouse_ci.workflows.drift import find_drift

    report = find_drift(find_root(), environment, os.environ)
    click.echo(msgspec.json.encode(report).decode() if as_json else str(report))
    sys.exit(2 if report.changes else 0)


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
def deploy(environment: str) -> None:
    """Deploy what main's stack file says to an environment. Waits while another deployment runs.

    For changes to the platform itself. To move a release, use gate promote, which also verifies that it runs.
    """
    from gatehouse_catalog import find_root
    from gatehouse_release.adapters.wiring import connect

    ports = connect(find_root(), os.environ)
    revision, _ = ports.repository.read()
    ports.runtime.deploy(environment, revision)
    click.echo(
        f"{environment} is deployed from main at {revision[:12]} or later. To verify: gate promote verify {environment}"
    )


@click.group()
def hooks() -> None:
    """Install or remove the hook that refuses to push what `gate check` hasn't passed."""


@hooks.command()
def install() -> None:
    """Install the pre-push hook. A pre-push hook of your own is left as it is."""
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected.hooks import install_hook

    click.echo(install_hook(find_root()))


@hooks.command()
def remove() -> None:
    """Remove the pre-push hook, if gate installed it."""
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected.hooks import remove_hook

    click.echo(remove_hook(find_root()))


@hooks.command("pre-push", hidden=True)
@click.argument("remote")
@click.argument("url", required=False)
def pre_push(remote: str, url: str | None) -> None:
    """Read what git is about to push (githooks(5), pre-push) and refuse commits without a receipt."""
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected.hooks import refusals

    del url
    refused = refusals(find_root(), remote, sys.stdin.read())
    for sentence in refused:
        click.echo(sentence, err=True)
    sys.exit(1 if refused else 0)
