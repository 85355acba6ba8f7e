"""`gate promote`: what runs where, and how it gets there.

Each command makes one request; actions.py carries it out.
"""

# ruff: noqa: PLC0415 (everything else is imported by the command that needs it)

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

Command = Callable[..., Any]
MOMENT = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"])
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
REASON = click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the record.")
RECORD = click.option("--record", default="", metavar="ID", help="The record it is about: see `gate promote log`.")
ENVIRONMENT = click.argument("environment")
WHAT = (
    click.option("--domain", default="", help="All services of a domain, or `everything`."),
    click.option("--services", default="", metavar="A,B", help="Chosen services."),
)
APPROVE_PLAN = click.option(
    "--approve-plan",
    "approved_plans",
    default="",
    metavar="A,B",
    help="Fingerprints of db-manager's plans whose dangerous steps you approve, as the preview names them.",
)
ACCEPT_TESTS = click.option(
    "--accept-tests",
    "accepted_tests",
    default="",
    metavar="A,B",
    help="Services whose unit tests didn't pass, as you saw in the preview; going live takes saying so.",
)
SEEN = (
    click.option(
        "--fingerprint", default="", help="Of the preview that was looked at: refused if anything moved since."
    ),
    click.option("--yes", is_flag=True, help="Take the preview as it is now, without asking."),
    click.option(
        "--break-glass", is_flag=True, help="An emergency: passes what the policy allows, loudly. With --reason."
    ),
)


def with_options(*options: Command) -> Command:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _cli() -> Any:
    from gatehouse_release.cli import actions

    return actions


@click.group()
@click.option(
    "--as",
    "name",
    metavar="NAME",
    help="Who asks, on your own machine (default: git's user.email). A workflow asks as who triggered it.",
)
@click.pass_context
def promote(context: click.Context, name: str | None) -> None:
    """Promote releases from one environment to the next, hold them, roll them back."""
    context.obj = name


@promote.command()
@AS_JSON
def status(as_json: bool) -> None:
    """Show what runs where: tags, ages, holds, freezes, and what waits."""
    _cli().status(as_json=as_json)


@promote.command()
@ENVIRONMENT
@with_options(*WHAT, RECORD, AS_JSON)
def plan(environment: str, domain: str, services: str, record: str, as_json: bool) -> None:
    """Show what a promotion would do, on one page, and its fingerprint. Changes nothing."""
    action = "apply" if record else "promote"
    _cli().plan(action, environment, as_json=as_json, domain=domain, services=services, record=record)


@promote.command()
@ENVIRONMENT
@with_options(*WHAT, RECORD, *SEEN, APPROVE_PLAN, ACCEPT_TESTS, REASON, AS_JSON)
@click.pass_obj
def apply(name: str | None, environment: str, record: str, as_json: bool, yes: bool, **fields: Any) -> None:
    """Promote into an environment, and look until it runs; where others approve, propose it, or apply a proposal."""
    _cli().ask(name, "apply" if record else "promote", environment, as_json=as_json, yes=yes, record=record, **fields)


@promote.command()
@click.argument("folder", type=click.Path(file_okay=False))
@with_options(REASON, AS_JSON)
@click.pass_obj
def built(name: str | None, folder: str, reason: str, as_json: bool) -> None:
    """Release to dev what a merge built: each FOLDER/SERVICE.json is one release.

    Services that left the catalog are taken out of dev with it; then there may be no folder.
    """
    _cli().built(name, folder, reason=reason, as_json=as_json)


@promote.command()
@ENVIRONMENT
@with_options(RECORD, *SEEN[:2], ACCEPT_TESTS, AS_JSON)
@click.pass_obj
def approve(name: str | None, environment: str, as_json: bool, yes: bool, **fields: Any) -> None:
    """Approve somebody else's proposal, as its preview shows it."""
    _cli().ask(name, "approve", environment, as_json=as_json, yes=yes, **fields)


@promote.command("accept-tests")
@ENVIRONMENT
@with_options(*WHAT, RECORD, *SEEN[:2], REASON, AS_JSON)
@click.option("--tests-of", "accepted_tests", required=True, metavar="SERVICE", help="Whose unit tests didn't pass.")
@click.pass_obj
def accept_tests(name: str | None, environment: str, as_json: bool, yes: bool, **fields: Any) -> None:
    """Accept the green black-box run of one service in place of its unit tests, for one promotion.

    Name the promotion as for apply: the acceptance is for its preview. You may be neither its author nor who promotes.
    """
    _cli().ask(name, "accept-tests", environment, as_json=as_json, yes=yes, **fields)


@promote.command()
@ENVIRONMENT
@with_options(REASON, AS_JSON)
@click.pass_obj
def verify(name: str | None, environment: str, reason: str, as_json: bool) -> None:
    """Check that every service of an environment runs what main says, and record it."""
    _cli().ask(name, "verify", environment, as_json=as_json, reason=reason)


@promote.command()
@ENVIRONMENT
@with_options(*WHAT, RECORD, *SEEN, REASON, AS_JSON)
@click.option("--preview", is_flag=True, help="Show what it would do, and do nothing.")
@click.pass_obj
def rollback(name: str | None, environment: str, preview: bool, as_json: bool, yes: bool, **fields: Any) -> None:
    """Go back to a set that was verified there before (default: the last one), and hold what it removes."""
    if preview:
        what = {key: fields[key] for key in ("domain", "services", "record")}
        _cli().plan("rollback", environment, as_json=as_json, **what)
    else:
        _cli().ask(name, "rollback", environment, as_json=as_json, yes=yes, **fields)


@promote.command()
@ENVIRONMENT
@with_options(*WHAT, REASON, AS_JSON)
@click.option("--digest", default="", help="Hold only this release; else whatever comes.")
@click.pass_obj
def hold(name: str | None, environment: str, as_json: bool, **fields: Any) -> None:
    """Keep services from being promoted into an environment."""
    _cli().ask(name, "hold", environment, as_json=as_json, **fields)


@promote.command()
@ENVIRONMENT
@with_options(RECORD, REASON, AS_JSON)
@click.pass_obj
def lift(name: str | None, environment: str, as_json: bool, **fields: Any) -> None:
    """Lift a hold or a veto."""
    _cli().ask(name, "lift", environment, as_json=as_json, **fields)


@promote.command(hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def release(words: tuple[str, ...]) -> None:
    """The former name of `lift`."""
    command = " ".join(["gate promote lift", *words])
    raise click.ClickException(f"`gate promote release` was renamed: a hold or a veto is lifted. Run: {command}")


@promote.command()
@ENVIRONMENT
@with_options(RECORD, REASON, AS_JSON)
@click.pass_obj
def veto(name: str | None, environment: str, as_json: bool, **fields: Any) -> None:
    """Stop a proposal, whoever approved it."""
    _cli().ask(name, "veto", environment, as_json=as_json, **fields)


@promote.command()
@ENVIRONMENT
@with_options(REASON, AS_JSON)
@click.option("--since", type=MOMENT, help="In the policy's time zone (default: now).")
@click.option("--until", type=MOMENT, help="In the policy's time zone (default: until it is lifted).")
@click.pass_obj
def freeze(
    name: str | None, environment: str, since: datetime | None, until: datetime | None, reason: str, as_json: bool
) -> None:
    """Let nothing into an environment for a time."""
    _cli().ask(name, "freeze", environment, as_json=as_json, since=since, until=until, reason=reason)


@promote.command()
@ENVIRONMENT
@with_options(RECORD, REASON, AS_JSON)
@click.pass_obj
def unfreeze(name: str | None, environment: str, as_json: bool, **fields: Any) -> None:
    """Lift a freeze."""
    _cli().ask(name, "unfreeze", environment, as_json=as_json, **fields)


@promote.command()
@click.argument("environment", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many records.")
@AS_JSON
def log(environment: str | None, limit: int, as_json: bool) -> None:
    """Show the records: who moved, held or stopped what, and what came of it."""
    _cli().log(environment, limit, as_json=as_json)


@promote.command()
@ENVIRONMENT
@with_options(RECORD, AS_JSON)
def notes(environment: str, record: str, as_json: bool) -> None:
    """Show what the last set that came in brought, or that of a record: its commits and pull requests."""
    _cli().notes(environment, record, as_json=as_json)


@promote.command()
@ENVIRONMENT
@with_options(*WHAT, RECORD, APPROVE_PLAN, ACCEPT_TESTS, REASON, AS_JSON)
@click.option(
    "--action",
    type=click.Choice(["promote", "approve", "apply", "rollback", "verify", "accept-tests"]),
    help="Default: promote; of a record: apply.",
)
@click.option("--break-glass", is_flag=True, help="As an emergency.")
@click.pass_obj
def explain(name: str | None, environment: str, action: str | None, record: str, as_json: bool, **fields: Any) -> None:
    """Say why you can or can't, rule by rule. Changes nothing."""
    chosen = action or ("apply" if record else "promote")
    _cli().explain(name, chosen, environment, as_json=as_json, record=record, **fields)


@promote.command()
@AS_JSON
@click.pass_obj
def resume(name: str | None, as_json: bool) -> None:
    """Settle what was begun and not ended, whoever began it, by looking at what runs."""
    _cli().resume(name, as_json=as_json)
