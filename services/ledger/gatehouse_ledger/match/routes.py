"""The queue of lines to reconcile, matches and learned rules, over HTTP."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import allow
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_ledger.access import FINANCE
from gatehouse_ledger.chart.queries import ACCOUNT
from gatehouse_ledger.match import queries
from gatehouse_ledger.match.structs import LineQueue, MatchRecord, NewMatch, RuleRecord


class LineQueueController(Controller):
    path = "/queues"
    tags = ("matches",)

    @get(
        "/{account_id:uuid}",
        operation_id="GetLineQueue",
        guards=[allow(*FINANCE)],
        summary="Lines of a bank's account to reconcile, with what they may be",
    )
    async def get_queue(self, account_id: UUID) -> LineQueue:
        await ACCOUNT.get(account_id)
        return await queries.queue(account_id)


class LineMatchController(Controller):
    path = "/matches"
    tags = ("matches",)

    @get(
        operation_id="ListLineMatches",
        operation_class=queries.MATCHES.operation,
        guards=[allow(*FINANCE)],
        summary="Matches of lines and postings, undone ones too",
    )
    async def list_matches(self, request: Request[Any, Any, Any]) -> Page[MatchRecord]:
        return await queries.MATCHES.page(request.query_params)

    @post(operation_id="CreateLineMatch", guards=[allow(*FINANCE)], summary="Match lines with postings, or book them")
    async def create_match(self, data: NewMatch, actor: Actor, once: Once) -> Response[MatchRecord]:
        return await once(queries.accept, data, actor)

    @get("/{match_id:uuid}", operation_id="GetLineMatch", guards=[allow(*FINANCE)], summary="One match")
    async def get_match(self, request: Request[Any, Any, Any], match_id: UUID) -> Response[MatchRecord]:
        return versioned(await queries.MATCH.get(match_id), request)

    @post(
        "/{match_id:uuid}/undo",
        operation_id="UndoLineMatch",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Open the lines and postings of a match again; what was booked for it is reversed",
    )
    async def undo_match(self, match_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[MatchRecord]:
        return versioned(await queries.undo(match_id, required_version(if_match), actor))


class MatchingRuleController(Controller):
    path = "/rules"
    tags = ("rules",)

    @get(
        operation_id="ListMatchingRules",
        operation_class=queries.RULES.operation,
        guards=[allow(*FINANCE)],
        summary="How lines of payees are booked, as it was learned",
    )
    async def list_rules(self, request: Request[Any, Any, Any]) -> Page[RuleRecord]:
        return await queries.RULES.page(request.query_params)

    @post(
        "/{rule_id:uuid}/archive",
        operation_id="ArchiveMatchingRule",
        guards=[allow(*FINANCE)],
        status_code=200,
        summary="Forget a rule",
    )
    async def archive_rule(self, rule_id: UUID, actor: Actor, if_match: IfMatch = None) -> Response[RuleRecord]:
        return versioned(await queries.RULE.archive(rule_id, required_version(if_match), by=actor))
