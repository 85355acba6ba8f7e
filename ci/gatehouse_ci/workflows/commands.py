"""`gate affected`, `hooks`, `way-in`, `deploy`, `drift`: what a change touches, what keeps an unchecked one from being
pushed, by which role a workflow gets into an environment, bringing that to what main says, and whether it still is.

Each function only reads its arguments and hands over.
"""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import json
import os
import sys
from typing import Literal

import click

from gatehouse_catalog.releases import ENVIRONMENTS


@click.command()
@click.option("--base", metavar="REVISION", help="Compare with where HEAD left it (default: origin's main).")
@click.option("--released", metavar="ENVIRONMENT", help="Compare each service with its release in this environment.")
@click.option("--all", "everything", is_flag=True, help="Compare with nothing: all is affected.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts, with every reason.")
@click.option("--github", is_flag=True, help="Also write a workflow step's outputs to $GITHUB_OUTPUT.")
def affected(base: str | None, released: str | None, everything: bool, as_json: bool, github: bool) -> None:
    """Say what a change affects: images to build, tests to run, deployments; and why.

    Looks at the files as they are, those that git doesn't know yet included.
    """
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected import report
    from gatehouse_ci.workflows.outputs import for_workflow

    if sum(map(bool, (base, released, everything))) > 1:
        raise click.UsageError("--base, --released and --all exclude one another.")
    root = find_root()
    answer = report.since_release(root, released) if released else report.look(root, base, everything=everything)
    if github:
        for_workflow(report.outputs(answer, root))
    click.echo(json.dumps(report.as_json(answer, root), indent=2) if as_json else report.for_people(answer))


@click.command("way-in")
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@click.option("--may", type=click.Choice(["apply", "plan"]), default="plan", show_default=True, help="What for.")
@click.option("--github", is_flag=True, help="Also write a workflow step's outputs to $GITHUB_OUTPUT.")
def way_in(environment: str, may: Literal["apply", "plan"], github: bool) -> None:
    """Say by which role a workflow gets into an environment, as its stack file names the account."""
    import msgspec

    from gatehouse_catalog import find_root
    from gatehouse_ci.workflows.oidc_role import workflow_role as found
    from gatehouse_ci.workflows.outputs import for_workflow

    way = msgspec.structs.asdict(found(find_root(), environment, may))
    if github:
        for_workflow(way)
    click.echo(json.dumps(way, indent=2))


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@click.option("--json", "as_json", is_flag=True, help="One JSON object for scripts.")
def drift(environment: str, as_json: bool) -> None:
    """Look whether an environment in AWS still is what main says. Exit code 2: it isn't.

    Needs Pulumi and a role that may look (gate way-in ENVIRONMENT); changes nothing.
    """
    import msgspec

    from gatehouse_catalog import find_root
    from gatehouse_ci.workflows.drift import drift as look

    found = look(find_root(), environment, os.environ)
    click.echo(msgspec.json.encode(found).decode() if as_json else str(found))
    sys.exit(2 if found.changes else 0)


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
def deploy(environment: str) -> None:
    """Bring an environment to what main's stack file says; it waits while another deployment runs.

    For changes of the platform itself. Releases move by gate promote, which deploys and looks whether they arrived.
    """
    from gatehouse_catalog import find_root
    from gatehouse_release.adapters.wiring import connect

    ports = connect(find_root(), os.environ)
    revision, _ = ports.repository.read()
    ports.runtime.deploy(environment, revision)
    click.echo(f"{environment} is main's {revision[:12]}, or later. See what runs: gate promote verify {environment}")


@click.group()
def hooks() -> None:
    """Install or remove the hook that refuses to push what `gate check` hasn't seen."""


@hooks.command()
def install() -> None:
    """Install the pre-push hook. A hook that isn't ours stays as it is."""
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected.hooks import install as run

    click.echo(run(find_root()))


@hooks.command()
def remove() -> None:
    """Remove the pre-push hook, if it is ours."""
    from gatehouse_catalog import find_root
    from gatehouse_ci.affected.hooks import remove as run

    click.echo(run(find_root()))


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
