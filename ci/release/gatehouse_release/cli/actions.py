"""What the commands of `gate promote` do: make the request, ask the core, show the answer.

Exit code 2: refused, or failed.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from gatehouse_catalog import CatalogError, find_root
from gatehouse_catalog.releases import Release
from gatehouse_release.adapters.wiring import connect
from gatehouse_release.change_set import Impossible
from gatehouse_release.cli import render
from gatehouse_release.matrix import matrix
from gatehouse_release.model import Action, Decision, PromotionRequest, Requester
from gatehouse_release.ports import NotConfigured, PortFailed
from gatehouse_release.preview.release_notes import in_markdown
from gatehouse_release.promoter import Promoter
from gatehouse_release.state import RepositoryState

REFUSED = 2
# Actions whose preview is looked at first.
PREVIEWED = frozenset({"promote", "rollback", "approve", "accept-tests"})


def status(*, as_json: bool) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        found = matrix(promoter.state(), promoter.ports.clock.now())
        _out(found) if as_json else Console().print(render.matrix(found, promoter.ports.clock.now()))


def plan(action: Action, environment: str, *, as_json: bool, **fields: Any) -> None:
    with _said(as_json):
        page = _promoter(as_json).preview(_request(action, environment, **fields))
        if as_json:
            _out(page.to_builtins())
        else:
            Console().print(page)
            click.echo(f"\nfingerprint: {page.fingerprint}")


def ask(name: str | None, action: Action, environment: str, *, as_json: bool, yes: bool = False, **fields: Any) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        state = promoter.state()
        request = _request(action, environment, state, **fields)
        if action in PREVIEWED and not request.fingerprint:
            if (refused := promoter.refused_at_once(request, _actor(name, state))) is not None:
                _show(refused, as_json=as_json)
            request = _looked_at(promoter, request, as_json=as_json, yes=yes)
        _run(promoter, request, _actor(name, state), as_json=as_json)


def _looked_at(promoter: Promoter, request: PromotionRequest, *, as_json: bool, yes: bool) -> PromotionRequest:
    """The request with the fingerprint of the preview that was just shown, and confirmed."""
    if not yes and (as_json or not sys.stdin.isatty()):
        return request  # the core says that no preview was looked at, and how to
    page = promoter.preview(request)
    if not as_json:
        Console().print(page)
    if not yes:
        click.confirm(f"\n{request.action.capitalize()} this in {request.environment}?", abort=True)
    return msgspec.structs.replace(request, fingerprint=page.fingerprint)


def built(name: str | None, folder: str, *, reason: str, as_json: bool) -> None:
    with _said(as_json):
        releases = {file.stem: _release(file) for file in sorted(Path(folder).glob("*.json"))}
        promoter = _promoter(as_json)
        if not releases and not promoter.state().removed["dev"]:
            raise click.ClickException(f"{folder}: no SERVICE.json in it. Fix: gate image index writes them.")
        request = PromotionRequest(action="promote", environment="dev", releases=releases, reason=reason)
        request = _looked_at(promoter, request, as_json=as_json, yes=True)
        _run(promoter, request, _actor(name, promoter.state()), as_json=as_json)


def _release(file: Path) -> Release:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Release)
    except msgspec.DecodeError as error:
        raise click.ClickException(f"{file}: {error}. Fix: gate image index writes it.") from None


def explain(name: str | None, action: Action, environment: str, *, as_json: bool, **fields: Any) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        state = promoter.state()
        request = _request(action, environment, state, **fields)
        if action in PREVIEWED:
            request = _as_if_looked_at(promoter, request)
        decision = promoter.explain(request, _actor(name, state))
        _show(decision, as_json=as_json)


def _as_if_looked_at(promoter: Promoter, request: PromotionRequest) -> PromotionRequest:
    """Explaining is about everything else: as if the preview were looked at now."""
    try:
        return msgspec.structs.replace(request, fingerprint=promoter.preview(request).fingerprint)
    except (Impossible, NotConfigured):
        return request


def log(environment: str | None, limit: int, *, as_json: bool) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        found = promoter.state().records.values()
        chosen = [record for record in found if environment in (None, record.environment)]
        newest = sorted(chosen, key=lambda record: record.at, reverse=True)[:limit]
        _out(newest) if as_json else Console().print(render.log(newest))


def notes(environment: str, record: str, *, as_json: bool) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        state = promoter.state()
        came = [one for one in state.of(environment) if one.kind == "promotion" and record in ("", one.id)]
        chosen = max((one for one in came if record or one.state == "verified"), key=lambda one: one.id, default=None)
        if chosen is None:
            what = (
                f"{environment} has no promotion {record}" if record else f"nothing was promoted to {environment} yet"
            )
            raise click.ClickException(f"{what}. See: gate promote log {environment}")
        found = promoter.ports.previews.notes(state.revision, chosen.services)
        title = f"{environment.capitalize()}, {chosen.at:%Y-%m-%d}"
        _out(found) if as_json else click.echo(in_markdown(title, found))


def resume(name: str | None, *, as_json: bool) -> None:
    with _said(as_json):
        promoter = _promoter(as_json)
        settled = promoter.resume(_actor(name, promoter.state()))
        _out(settled) if as_json else Console().print(render.log(settled) if settled else "Nothing was left undecided.")


def _run(promoter: Promoter, request: PromotionRequest, actor: Requester, *, as_json: bool) -> None:
    outcome = promoter.run(request, actor)
    if as_json:
        _out(
            {
                "ok": outcome.ok,
                "suite_failed": outcome.suite_failed,
                "revision": outcome.revision,
                "record": outcome.record,
                **_decided(outcome.decision),
            }
        )
    else:
        Console().print(render.outcome(outcome))
    if not outcome.ok or outcome.suite_failed:
        sys.exit(REFUSED)


def _show(decision: Decision, *, as_json: bool) -> None:
    _out(_decided(decision)) if as_json else Console().print(render.decision(decision))
    if not decision.allowed:
        sys.exit(REFUSED)


def _decided(decision: Decision) -> dict[str, Any]:
    return {"allowed": decision.allowed, "reasons": decision.reasons, "files": sorted(decision.edits)}


def _out(value: Any) -> None:
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _promoter(as_json: bool) -> Promoter:
    report: Callable[[str], None] = lambda line: click.echo(line, err=as_json)  # noqa: E731 - one expression
    return Promoter(connect(find_root(), os.environ), report=report)


def _request(action: Action, environment: str, state: RepositoryState | None = None, **fields: Any) -> PromotionRequest:
    """Empty options count as not given, so that a form's empty field needs no shell. Times are the policy's."""
    given = {key: value for key, value in fields.items() if value not in ("", None, False)}
    for key in ("services", "approved_plans", "accepted_tests"):
        if key in given:
            given[key] = tuple(filter(None, (one.strip() for one in given[key].split(","))))
    for key in ("since", "until"):
        if key in given and state:
            given[key] = given[key].replace(tzinfo=state.policy.zone)
    return PromotionRequest(action=action, environment=environment, **given)


def _actor(name: str | None, state: RepositoryState) -> Requester:
    """Who asks, with the roles that the policy on main gives them."""
    who = who_asks(name, os.environ) or _mail()
    roles = state.policy.roles(who)
    if not roles and os.environ.get("GITHUB_ACTIONS") == "true" and os.environ.get("GITHUB_EVENT_NAME") == "push":
        roles = state.policy.roles("github-actions[bot]")  # a merge that was reviewed runs as the workflow
    return Requester(name=who, roles=roles)


def who_asks(name: str | None, environ: Mapping[str, str]) -> str:
    """Who triggered this run of a workflow; elsewhere the name given by --as, or nothing.

    A re-run keeps GITHUB_ACTOR and has whoever clicked as GITHUB_TRIGGERING_ACTOR. Both must agree, or the record would
    name somebody who did nothing. Raises Impossible. https://docs.github.com/actions/reference/variables-reference
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return name or ""
    if name:
        message = "in a workflow GitHub says who triggered the run, and --as can't."
        raise Impossible("actor", message, "Leave --as out.")
    actor, triggering = environ.get("GITHUB_ACTOR", ""), environ.get("GITHUB_TRIGGERING_ACTOR", "")
    if not actor or actor != triggering:
        message = f"{actor or 'nobody'} started this run, and {triggering or 'nobody'} started it again."
        raise Impossible("actor", message, "Start a new run of the workflow in your own name.")
    return actor


def _mail() -> str:
    command = ["git", "config", "user.email"]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - git, our words
    if not found:
        raise click.ClickException("Who asks isn't known. Fix: git config user.email YOU@EXAMPLE.ORG, or --as NAME.")
    return found


@contextmanager
def _said(as_json: bool) -> Generator[None]:
    """What stands in the way, in words (or as JSON), instead of a trace."""
    try:
        yield
    except Impossible as error:
        decision = Decision(allowed=False, reasons=(error.reason,))
        _out(_decided(decision)) if as_json else Console().print(render.decision(decision))
        sys.exit(REFUSED)
    except (NotConfigured, PortFailed, CatalogError) as error:
        raise click.ClickException(str(error)) from None
