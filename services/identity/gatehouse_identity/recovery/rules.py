"""Reads a service's log. Pure: no database, no clock."""

from collections.abc import Iterable

import msgspec

from gatehouse_identity.recovery.structs import Decision, SessionTokenDigests

_decoder = msgspec.json.Decoder(Decision | SessionTokenDigests)


def read(lines: Iterable[bytes]) -> tuple[list[Decision], list[SessionTokenDigests]]:
    """The decisions, and the newest line of each session; all other lines are left out."""
    decisions: list[Decision] = []
    sessions: list[SessionTokenDigests] = []
    for line in lines:
        # Most are requests: what surely is none of ours needn't be decoded.
        if b'"audit"' not in line and b'"session token"' not in line:
            continue
        try:
            found = _decoder.decode(line)
        except msgspec.MsgspecError:
            continue
        if isinstance(found, Decision):
            decisions.append(found)
        else:
            sessions.append(found)
    return decisions, sessions


def archived_at_last(decisions: Iterable[Decision]) -> list[Decision]:
    """Of each account that was archived or restored, the last line, where that archived it."""
    last = {one.subject: one for one in decisions if one.action in {"account_archived", "account_restored"}}
    return [one for one in last.values() if one.action == "account_archived"]
