"""`gate rehearse`: Dev, Test, Staging and Production on this machine, with real code."""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

import os
from typing import TYPE_CHECKING

import click

from gatehouse_catalog import find_root

if TYPE_CHECKING:
    from gatehouse_release.adapters.rehearsal import Rehearsal


@click.group(invoke_without_command=True)
@click.option(
    "--port-offset",
    type=click.IntRange(1, 50000),
    default=100,
    show_default=True,
    help="Added to every port of Dev; each further environment has a hundred more.",
)
@click.pass_context
def rehearse(context: click.Context, port_offset: int) -> None:
    """Rehearse a delivery: Dev, Test, Staging and Production on this machine, from a merge to Go-Live.

    Makes them from what this checkout has committed, with two releases, and says where they are. `gate promote` and the
    release page then move code between them by the rules of stacks/policy.yaml; `gate promote` means them as long as
    there is a rehearsal.
    """
    if context.invoked_subcommand is not None:
        return
    from gatehouse_ci.rehearsal import make

    rehearsal = make.make(find_root(), port_offset, click.echo)
    _addresses(rehearsal)
    page = make.show_in_portal(rehearsal)
    click.echo(f"\n  Releases     {page or 'start the platform for its page: gate up'}")
    click.echo("\nStop: gate rehearse stop   Merge: gate rehearse merge   Status: gate rehearse status")


@rehearse.command()
def status() -> None:
    """Show each environment's address, and whether it is awake."""
    _addresses(_rehearsal())


@rehearse.command()
@click.argument("branch", default="HEAD")
def merge(branch: str) -> None:
    """Merge a branch of this checkout (default: what is checked out) into the rehearsal's main; release it to Dev."""
    from gatehouse_ci.rehearsal import build

    rehearsal = _rehearsal()
    click.echo(f"Merged: main is {build.merge(rehearsal, branch)[:12]}")
    build.build(rehearsal, click.echo)


@rehearse.command()
def build() -> None:
    """Build what main has and Dev hasn't, and release it to Dev: what `merge` does, after a push to main."""
    from gatehouse_ci.rehearsal.build import build

    build(_rehearsal(), click.echo)


@rehearse.command()
@click.argument("environment")
def wake(environment: str) -> None:
    """Start an environment that sleeps."""
    from gatehouse_release.adapters.wiring import RehearsalPorts

    rehearsal = _rehearsal()
    if environment not in rehearsal.settings.offsets:
        raise click.ClickException(f"{environment} is none of {', '.join(rehearsal.settings.offsets)}.")
    RehearsalPorts(rehearsal, rehearsal.root, os.environ).environments.wake(environment)
    _addresses(rehearsal)


@rehearse.command()
@click.argument("environment", default="production")
def skip(environment: str) -> None:
    """Let the rehearsal's clock go on to the next window of an environment, after the soak; the rules stay."""
    from gatehouse_release.adapters.wiring import RehearsalPorts
    from gatehouse_release.next_window import next_window
    from gatehouse_release.promoter import Promoter

    rehearsal = _rehearsal()
    ports = RehearsalPorts(rehearsal, rehearsal.root, os.environ)
    state = Promoter(ports).state()
    if environment not in state.policy.edges:
        raise click.ClickException(f"{environment} is none of {', '.join(state.policy.edges)}.")
    moment = next_window(state, environment, ports.clock.now())
    if moment is None:
        source = state.policy.edges[environment].source
        raise click.ClickException(
            f"{source} isn't verified, so its soak hasn't begun. Fix: gate promote verify {source}"
        )
    ports.environments.skip_to(moment)
    click.echo(f"The rehearsal's clock says {ports.clock.now().astimezone(state.policy.zone):%A %Y-%m-%d %H:%M %Z}.")


@rehearse.command()
def stop() -> None:
    """Stop all four environments; what they hold is kept."""
    from gatehouse_ci.rehearsal import make

    make.stop(_rehearsal())
    click.echo("The rehearsal's environments are stopped. A promotion, or gate rehearse wake ENVIRONMENT, starts them.")


@rehearse.command()
@click.option("--yes", is_flag=True, help="Don't ask.")
def delete(*, yes: bool) -> None:
    """Stop all four environments and remove the rehearsal, its remote and its records."""
    from gatehouse_ci.rehearsal import make

    rehearsal = _rehearsal()
    if not yes:
        what = "The rehearsal's environments, their data, its remote and its records go for good."
        click.confirm(f"{what} Go on?", abort=True)
    make.delete(rehearsal)
    make.show_in_portal(rehearsal)
    click.echo("The rehearsal is gone.")


def _rehearsal() -> "Rehearsal":
    from gatehouse_release.adapters.rehearsal import rehearsal_of

    rehearsal = rehearsal_of(find_root(), {**os.environ, "GATEHOUSE_REHEARSAL": "on"})
    if rehearsal is None:
        raise click.ClickException("This checkout has no rehearsal. Fix: gate rehearse")
    return rehearsal


def _addresses(rehearsal: "Rehearsal") -> None:
    from gatehouse_release.adapters.rehearsal_runtime import awake

    for name in rehearsal.settings.offsets:
        click.echo(f"  {name:<12} {rehearsal.url(name)}  {'awake' if awake(rehearsal, name) else 'asleep'}")
