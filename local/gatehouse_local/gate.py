"""The `gate` command, assembled from the entry points `gatehouse.commands` of the installed parts.

A part is imported only when its command is used: running locally needs no cloud tools, and `gate --help` answers at
once. The lines of that help come from command_help.json, which `gate generate` writes from the commands' docstrings.
"""

import functools
import json
import os
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click
from click.exceptions import NoSuchCommand

from gatehouse_local import hints

GROUP = "gatehouse.commands"
UNEXPECTED = 70  # exit code of an internal error (EX_SOFTWARE of sysexits.h)
HELP_FILE = Path(__file__).with_name("command_help.json")


class PartMissing(click.ClickException):
    """The command exists, but its part (or a library of that part) isn't installed."""

    def __init__(self, command: str, missing: str) -> None:
        super().__init__(f"gate {command} needs {missing}, which isn't installed. Fix: uv sync --all-packages")


class Parts(click.Group):
    """A command group that imports each command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_declared())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        declared = _declared().get(cmd_name)
        if declared is None:
            return None
        try:
            return _with_whole_sentences(declared.load())
        except ModuleNotFoundError as error:
            raise PartMissing(cmd_name, f"the package {error.name}") from error
        except AttributeError as error:
            raise PartMissing(cmd_name, declared.value) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:  # click would suggest only from loaded commands: none
            raise NoSuchCommand(error.command_name, possibilities=_declared(), ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = json.loads(HELP_FILE.read_text(encoding="utf-8"))
        rows = [(name, lines.get(name, "")) for name in sorted(_declared())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@functools.cache
def _declared() -> dict[str, EntryPoint]:
    return {declared.name: declared for declared in entry_points(group=GROUP)}


def _with_whole_sentences(command: click.Command) -> click.Command:
    """Its help shows the first sentence of each subcommand whole, on two lines if need be; click would cut it."""
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            subcommand.short_help = subcommand.short_help or _first_sentence(subcommand.help or "")
    return command


def _first_sentence(text: str) -> str:
    return text.split("\n\n", maxsplit=1)[0].replace("\n", " ").partition(". ")[0].rstrip(".")


def command_help() -> dict[str, str]:
    """The first sentence of each installed command's docstring, by name. Imports every command."""
    sentences = {}
    for name, declared in _declared().items():
        try:
            text = declared.load().help or ""
        except ModuleNotFoundError:  # its part isn't installed here: keep the line that is committed
            text = json.loads(HELP_FILE.read_text(encoding="utf-8")).get(name, "")
        sentences[name] = _first_sentence(text)
    return dict(sorted(sentences.items()))


@click.group(cls=Parts, context_settings={"help_option_names": ["-h", "--help"]}, epilog="Where to start: ./local/up")
@click.option("--root", type=click.Path(exists=True, file_okay=False), help="Work in this checkout.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def gate(root: str | None, debug: bool) -> None:
    """Gatehouse: run, test and operate the institute's platform."""
    checkout = root or _own_checkout()
    # Paths that commands are given are meant from there.
    click.get_current_context().meta["gatehouse_local.caller"] = Path.cwd()
    if checkout:
        os.chdir(checkout)
    if click.get_current_context().invoked_subcommand == "load" and "GATEHOUSE_URL" not in os.environ:
        from gatehouse_local.runner.control import url_here  # noqa: PLC0415 - `gate --help` needs none of it

        if url := url_here(Path.cwd()):
            os.environ["GATEHOUSE_URL"] = url


def _own_checkout() -> Path | None:
    """The checkout this command belongs to, if the current folder is outside of it (even inside another checkout)."""
    own = Path(__file__).resolve().parents[2]
    if Path.cwd().is_relative_to(own) or not (own / "services" / "catalog").is_dir():
        return None
    return own


def main(arguments: list[str] | None = None) -> None:
    """Runs `gate` and exits. A known error prints its message, an unexpected one a single sentence."""
    words = sys.argv[1:] if arguments is None else arguments
    if "--json" not in words:  # scripts compare texts; people type commands
        hints.install(Path(__file__).resolve().parents[2], _declared())
    try:
        gate.main(words, prog_name="gate", standalone_mode=True)
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        sys.exit(_print_error(error, words))


def _print_error(error: Exception, words: list[str]) -> int:
    """Prints the error for the user and returns the exit code."""
    if type(error).__module__.startswith("gatehouse_"):
        click.echo(f"Error: {error}", err=True)
        return getattr(error, "exit_code", 1)
    what = str(error).strip().split("\n", 1)[0]
    click.echo(f"Error: unexpected {type(error).__name__}{f': {what}' if what else ''}", err=True)
    if "--debug" not in words:
        click.echo(f"Show the traceback: gate --debug {' '.join(words)}", err=True)
    return UNEXPECTED


if __name__ == "__main__":
    main()
