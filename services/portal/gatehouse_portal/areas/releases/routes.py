"""Releases: what runs where, and moving it on. The same core as `gate promote` decides; roles are asked of identity
anew for every request, because a token has those of some minutes ago.
"""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from gatehouse_chassis.base.actor import OPERATOR_ROLES
from gatehouse_chassis.base.problems import Invalid, NotFound, SignInTooOld
from gatehouse_chassis.http.guards import RECENT, is_recent
from gatehouse_portal.areas.releases import format, tour
from gatehouse_portal.areas.releases.promotion_session import TROUBLES, PromotionPlan, PromotionRun, PromotionSession
from gatehouse_portal.areas.releases.structs import Me, Reader
from gatehouse_portal.areas.releases.view import board
from gatehouse_portal.shell import guards
from gatehouse_portal.shell.page import page, see, wants_part
from gatehouse_portal.shell.peers import Away, Peers, or_away, or_none
from gatehouse_portal.shell.toast import Toast, see_with
from gatehouse_release.model import ENVIRONMENTS, PromotionRequest, Record, Requester
from gatehouse_release.next_window import next_window
from gatehouse_release.policy import Policy
from gatehouse_release.state import RepositoryState

# Seconds that a form waits for its outcome before the page of its progress is shown.
PATIENCE = 2.0
# Seconds that a preview may take before the page says that it is being made.
PLAN_SECONDS = 0.15
STOP_ASKING = 286  # htmx's own: the answer is shown, and isn't asked for again
LONGEST = 500
# Those that a preview is confirmed for, and those that are one commit and no more.
MOVES = ("promote", "rollback", "approve", "apply", "accept-tests")
LOOKS = ("verify",)  # changes nothing but the record of having looked
BRAKES = ("hold", "lift", "veto", "freeze", "unfreeze")
# Fields of several values: services; fingerprints of plans that are approved; services whose tests are accepted.
LISTS = ("services", "approved_plans", "accepted_tests")
FORMER_ACTIONS = {"release": "lift"}  # addresses of forms that were opened before the rename
# Who runs the platform, tests it, decides that it goes live, or may veto that.
SEEN_BY = (*sorted(OPERATOR_ROLES), "tester", "release-manager", "board")
seen_by = guards.pages_for(*SEEN_BY)


@get("/releases", guards=[seen_by], include_in_schema=False)
async def releases(request: Request, peers: Peers, state: State) -> Template:
    desk: PromotionSession | None = state.promotions
    if desk is None:
        return page(request, "releases/unset.html")
    try:
        known = await desk.state()
    except TROUBLES as trouble:
        name = "releases/trouble.html" if wants_part(request) else "releases/away.html"
        return page(request, name, trouble=str(trouble), where=desk.core.where)
    actor = await _actor(peers)
    shown = board(known, actor.roles, desk.core.now())
    name = "releases/board.html" if wants_part(request) else "releases/page.html"
    return page(
        request,
        name,
        board=shown,
        policy=known.policy,
        core=desk.core,
        me=actor,
        domains=known.domains,
        read_at=desk.read_at,
        zone=await _zone(request, peers, desk, known.policy),
        asleep=await desk.asleep(),
        waking=frozenset(desk.waking),
    )


@get("/releases/tour", guards=[seen_by], include_in_schema=False)
async def take_tour(request: Request, state: State) -> Template:
    """What to try in the environments of this machine, and how far somebody has come."""
    desk = _desk(state)
    if desk.core.local is None:
        raise NotFound
    return page(request, "releases/tour.html", steps=tour.steps(await desk.state()), core=desk.core)


@get("/releases/plan", guards=[seen_by], include_in_schema=False)
async def plan(request: Request, peers: Peers, state: State) -> Template:
    """The preview: what would happen, whether it may, and the form that confirms it."""
    desk = _desk(state)
    given = {key: ",".join(request.query_params.getall(key, [])) for key in format.FIELDS}
    wanted = _wanted(given, MOVES)
    known, actor = await desk.state(), await _actor(peers)
    # The form asks for the reason, after this page was read.
    asked = msgspec.structs.replace(wanted, reason=wanted.reason or "-") if wanted.action == "accept-tests" else wanted
    found = await desk.plan_soon(asked, actor, PLAN_SECONDS, take=not wants_part(request))
    if not isinstance(found, PromotionPlan):
        name = "releases/plan_progress.html" if wants_part(request) else "releases/plan_wait.html"
        return page(request, name, title=_title(known, wanted), seconds=int(found))
    if wants_part(request):  # the page that waits for it
        answer = page(request, "releases/plan_progress.html", seconds=0)
        answer.headers["HX-Refresh"] = "true"
        return answer
    return page(
        request,
        "releases/plan.html",
        plan=found,
        wanted=wanted,
        title=_title(known, wanted),
        core=desk.core,
        edge=known.policy.edges[wanted.environment],
        emergency=_may_break_glass(found, wanted, actor, known.policy),
        me=actor,
        recent=is_recent(request.auth),
        may_accept=not actor.roles.isdisjoint(known.policy.test_exceptions.who),
    )


@get("/releases/records/{key:str}", guards=[seen_by], include_in_schema=False)
async def record(request: Request, peers: Peers, state: State, key: str) -> Template:
    """How far a request has come: its record, and what this process has seen of it, if it began here."""
    desk = _desk(state)
    run, found, known = desk.run(key), await desk.record(key), await desk.state()
    if run is None and found is None:
        raise NotFound
    name = "releases/progress.html" if wants_part(request) else "releases/record.html"
    final = _final(run, found)
    return page(
        request,
        name,
        status=STOP_ASKING if final and wants_part(request) else 200,
        key=key,
        run=run,
        record=found,
        title=_title_of(known, run, found),
        core=desk.core,
        me=await _actor(peers),
        policy=known.policy,
        proposal_open=bool(found and found in known.proposals(found.environment)),
        vetoes=known.vetoes(found.id) if found else [],
        final=final,
        zone=await _zone(request, peers, desk, known.policy),
        notes=await desk.notes(found) if found else (),
    )


@post("/releases/wake", guards=[seen_by], include_in_schema=False)
async def wake(request: Request, state: State) -> Response[Any]:
    """Starts an environment of this machine."""
    desk, form = _desk(state), await request.form()
    environment = str(form.get("environment", ""))
    if desk.core.local is None or environment not in desk.core.local.addresses:
        raise NotFound
    desk.wake(environment)
    return see_with(request, "/releases", Toast(f"{format.place(environment)} is starting."))


@post("/releases/skip", guards=[seen_by], include_in_schema=False)
async def skip(request: Request, peers: Peers, state: State) -> Response[Any]:
    """Lets the clock of this machine's environments go on to when a set may come in. The rules stay as they are."""
    desk, form = _desk(state), await request.form()
    environment = str(form.get("environment", ""))
    if desk.core.local is None or environment not in desk.core.local.addresses:
        raise NotFound
    known = await desk.state()
    moment = next_window(known, environment, desk.core.now())
    if moment is None:
        raise Invalid({"environment": "has no set that waits for a window."})
    desk.core.local.skip_to(moment)
    desk.forget_plans()
    shown = format.zoned(moment, await _zone(request, peers, desk, known.policy))
    return see_with(request, "/releases", Toast(f"The clock of these environments says {shown}."))


@post("/releases/{action:str}", guards=[seen_by], include_in_schema=False)
async def act(request: Request, peers: Peers, state: State, action: str) -> Response[Any]:
    desk = _desk(state)
    form = await request.form()
    action = FORMER_ACTIONS.get(action, action)
    if action not in (*MOVES, *LOOKS, *BRAKES):
        raise NotFound
    if action in MOVES and form.get("confirmed") != "yes":
        raise Invalid({"confirmed": "Read the preview and tick the box."})
    if action in MOVES and not is_recent(request.auth):  # what stops something never waits for a sign-in
        raise SignInTooOld(RECENT)
    known = await desk.state()
    given = {key: ",".join(map(str, form.getall(key, []))) for key in format.FIELDS} | {"action": action}
    wanted = _wanted(given, (*MOVES, *LOOKS, *BRAKES), known.policy)
    if desk.core.refusal:
        raise Invalid({"release_remote": desk.core.refusal})
    run = desk.begin(wanted, await _actor(peers))
    over = await run.settled(PATIENCE)
    if over and (run.reasons or run.failure) and await desk.record(run.request.key) is None:
        title = _title(known, wanted)
        return _refused(request, run, title)
    if action in BRAKES and over:
        return see_with(request, "/releases", Toast(f"Recorded: {_title(known, wanted)}."))
    if action == "accept-tests" and over:
        fields = {"action": "promote", "environment": wanted.environment, "domain": wanted.domain}
        where = f"/releases/plan?{urlencode({key: value for key, value in fields.items() if value})}"
        return see_with(request, where, Toast(f"Accepted the black-box run of {', '.join(wanted.accepted_tests)}."))
    key = format.key_of(wanted.record) if action in ("approve", "apply") else run.request.key
    return see(f"/releases/records/{key}")


def _refused(request: Request, run: PromotionRun, title: str) -> Template:
    again = {key: value for key in ("environment", "domain", "record") if (value := getattr(run.request, key))}
    again |= {key: ",".join(value) for key in LISTS if (value := getattr(run.request, key))}
    back = f"/releases/plan?{urlencode({'action': run.request.action, **again})}"
    return page(
        request,
        "releases/refused.html",
        status=409,
        run=run,
        title=title,
        again=back if run.request.action in MOVES else "/releases",
    )


def _desk(state: State) -> PromotionSession:
    if state.promotions is None:
        raise NotFound
    return state.promotions


async def _actor(peers: Peers) -> Requester:
    """By the mail address, which is the name that git and the policy know people by."""
    me = await peers.get("identity", "/api/identity/me", Me)
    return Requester(name=me.email or me.name, roles=frozenset(me.roles))


async def _zone(request: Request, peers: Peers, desk: PromotionSession, policy: Policy) -> str:
    """The reader's own; else the policy's, in which freezes are set. A part that is refreshed has the page's."""
    person = request.auth.person
    if person is None:
        return policy.timezone
    if person not in desk.zones or not wants_part(request):
        found = await or_away(or_none(peers.get("person", f"/api/person/people/{person}", Reader)))
        if isinstance(found, Away):
            return policy.timezone
        desk.zones[person] = (found.time_zone if found else None) or policy.timezone
    return desk.zones[person]


def _wanted(given: dict[str, str], actions: tuple[str, ...], policy: Policy | None = None) -> PromotionRequest:
    """The request that a form or a link means. Raises Invalid naming the field."""
    if given["action"] not in actions:
        raise Invalid({"action": f"is none of {', '.join(actions)}."})
    if given["environment"] not in ENVIRONMENTS:
        raise Invalid({"environment": f"is none of {', '.join(ENVIRONMENTS)}."})
    if len(given["reason"]) > LONGEST:
        raise Invalid({"reason": f"is longer than {LONGEST} characters."})
    return PromotionRequest(
        action=given["action"],  # ty: ignore[invalid-argument-type] - one of `actions`
        environment=given["environment"],
        domain=given["domain"],
        services=_words(given["services"]),
        record=given["record"],
        fingerprint=given["fingerprint"],
        digest=given["digest"],
        reason=given["reason"].strip(),
        until=_moment(given["until"], policy) if given["until"] and policy else None,
        break_glass=given["break_glass"] == "yes",
        approved_plans=_words(given["approved_plans"]),
        accepted_tests=_words(given["accepted_tests"]),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in text.split(",") if word))


def _moment(text: str, policy: Policy) -> datetime:
    """What a field for date and time gives, in the policy's time zone."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=policy.zone)
    except ValueError:
        raise Invalid({"until": "is no date and time."}) from None


def _may_break_glass(found: PromotionPlan, wanted: PromotionRequest, actor: Requester, policy: Policy) -> bool:
    """Whether an emergency could pass all that stands in the way."""
    reasons = found.decision.reasons if found.decision else ()
    passable = all(reason.rule in policy.break_glass.passes for reason in reasons if not reason.later)
    asked = wanted.action in ("promote", "apply")
    return asked and passable and not actor.roles.isdisjoint(policy.break_glass.who)


def _title(known: RepositoryState, wanted: PromotionRequest) -> str:
    return format.title(wanted.action, wanted.environment, wanted.domain, known.records.get(wanted.record))


def _title_of(known: RepositoryState, run: PromotionRun | None, found: Record | None) -> str:
    if found is not None:
        return format.record_title(found)
    assert run is not None
    return _title(known, run.request)


def _final(run: PromotionRun | None, found: Record | None) -> bool:
    """Whether looking again would show the same."""
    return (run is None or run.over.is_set()) and (
        found is None or found.state not in ("proposed", "approved", "applying")
    )


ROUTES: tuple[ControllerRouterHandler, ...] = (releases, take_tour, plan, record, wake, skip, act)
