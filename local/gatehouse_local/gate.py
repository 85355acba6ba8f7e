"""The `gate` command: put together from what the installed parts declare as `gatehouse.commands`.

Nothing of a part is imported until its command is used; even its line in `gate --help` is read from its source. So
running locally needs no cloud tools, and the help answers at once.
"""

import ast
import functools
import importlib.util
import os
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click
from click.exceptions import NoSuchCommand

GROUP = "gatehouse.commands"
UNEXPECTED = 70  # the exit code of a fault of ours (EX_SOFTWARE of sysexits.h)


class PartMissing(click.ClickException):
    """A command is known, but its part (or a library of that part) isn't installed."""

    def __init__(self, command: str, missing: str) -> None:
        super().__init__(f"gate {command} needs {missing}, which isn't installed. Fix: uv sync --all-packages")


class Parts(click.Group):
    """A group whose commands are loaded when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_declared())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        declared = _declared().get(cmd_name)
        if declared is None:
            return None
        try:
            return declared.load()
        except ModuleNotFoundError as error:
            raise PartMissing(cmd_name, f"the package {error.name}") from error
        except AttributeError as error:
            raise PartMissing(cmd_name, declared.value) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # click would look for the nearest among those that are loaded: none
            raise NoSuchCommand(error.command_name, possibilities=_declared(), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, summary(declared)) for name, declared in sorted(_declared().items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@functools.cache
def _declared() -> dict[str, EntryPoint]:
    return {declared.name: declared for declared in entry_points(group=GROUP)}


def summary(declared: EntryPoint) -> str:
    """The first sentence of the command function's docstring, read without importing its module."""
    package, _, rest = declared.module.partition(".")
    try:
        spec = importlib.util.find_spec(package)
        folders = spec.submodule_search_locations if spec else None
        file = Path(next(iter(folders or [])), *rest.split(".")).with_suffix(".py")
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (StopIteration, OSError, SyntaxError):
        return "(not installed)"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == declared.attr:
            return (ast.get_docstring(node) or "").split("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
    return ""


@click.group(cls=Parts, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Where to start: ./local/up")
@click.option("--root", type=click.Path(exists=True, file_okay=False), help="Work in this checkout.")
@click.option("--debug", is_flag=True, help="Show where an error came from.")
def gate(root: str | None, debug: bool) -> None:
    """Gatehouse: run, test and look after the platform of the institute."""
    checkout = root or _outside()
    if checkout:
        os.chdir(checkout)


def _outside() -> Path | None:
    """The checkout this command belongs to, when we were called from outside of it (even from within another)."""
    own = Path(__file__).resolve().parents[2]
    if Path.cwd().is_relative_to(own) or not (own / "services" / "catalog").is_dir():
        return None
    return own


def main(arguments: list[str] | None = None) -> None:
    """Runs `gate` and ends the process: known errors as their own message, unexpected ones in one sentence."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        gate.main(given, prog_name="gate", standalone_mode=True)
    except Exception as error:
        if "--debug" in given:
            traceback.print_exc()
        sys.exit(_say(error, given))


def _say(error: Exception, given: list[str]) -> int:
    """Prints the error for people and gives the exit code."""
    if type(error).__module__.startswith("gatehouse_"):
        click.echo(f"Error: {error}", err=True)
        return getattr(error, "exit_code", 1)
    what = str(error).strip().split("\n", 1)[0]
    click.echo(f"Error: unexpected {type(error).__name__}{f': {what}' if what else ''}", err=True)
    if "--debug" not in given:
        click.echo(f"See where it came from: gate --debug {' '.join(given)}", err=True)
    return UNEXPECTED


if __name__ == "__main__":
    main()
