"""`gate app`: installs what apps need, and builds and checks them."""

import subprocess
import sys
from pathlib import Path

import click


@click.group()
def app() -> None:
    """Build and check apps (TypeScript, Vue), and install what that needs."""


@app.command()
def install() -> None:
    """Install Node.js and the packages of package-lock.json into this checkout, if they aren't there."""
    from gatehouse_catalog import find_root  # noqa: PLC0415 - loaded when used

    click.echo(f"Node.js is {_node(find_root())}")


@app.command()
@click.argument("names", nargs=-1, metavar="[APP]...")
def check(names: tuple[str, ...]) -> None:
    """Check the types of apps (default: all), and with them their calls to services."""
    sys.exit(_each(names, "check"))


@app.command()
@click.argument("names", nargs=-1, metavar="[APP]...")
def test(names: tuple[str, ...]) -> None:
    """Run the unit tests of apps (default: all) with Vitest."""
    sys.exit(_each(names, "test"))


@app.command()
@click.argument("names", nargs=-1, metavar="[APP]...")
def build(names: tuple[str, ...]) -> None:
    """Build the files of apps (default: all) that their images serve, into services/APP/dist."""
    sys.exit(_each(names, "build"))


def _each(names: tuple[str, ...], action: str) -> int:
    """Runs an action of apps/tools.py for each app, in turn; the last exit code that isn't 0."""
    from gatehouse_catalog import find_root, load_catalog  # noqa: PLC0415 - loaded when used
    from gatehouse_local.apps import node, tools  # noqa: PLC0415 - only where an app is built

    root = find_root()
    catalog = load_catalog(root)
    chosen = [catalog[name] for name in names] or list(catalog.apps)
    if not chosen:
        click.echo("There is no app yet. Write one: gate new app NAME --domain DOMAIN")
        return 0
    program = _node(root)
    code = 0
    for service in chosen:
        command = tools.COMMANDS[action](root, program, service.folder)
        done = subprocess.run(command, cwd=service.folder, env=node.environment_for(program), check=False)  # noqa: S603 - Node's own programs
        click.echo(f"{service.name}: {action} {'passed' if done.returncode == 0 else 'failed'}")
        code = done.returncode or code
    return code


def _node(root: Path) -> Path:
    from gatehouse_local.apps import node  # noqa: PLC0415 - loaded when used

    try:
        return node.ready(root, lambda line: click.echo(line, err=True))
    except node.NoNode as error:
        raise click.ClickException(str(error)) from None
