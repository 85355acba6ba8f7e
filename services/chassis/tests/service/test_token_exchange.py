"""Tokens for other services: one exchange for each token and service, remembered until shortly before the end."""

import asyncio

import pytest

from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.service.token_exchange import UNUSED_BEFORE_END, ExchangedToken, TokenExchange
from gatehouse_chassis.testing import TestTokens

TOKENS = TestTokens()
SESSION = TOKENS.token("member", aud="identity")


class Identity:
    """Counts what it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.now = 1_000.0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.away = False

    async def __call__(self, token: str, service: str) -> ExchangedToken:
        self.asked.append((token, service))
        await self.may_answer.wait()
        if self.away:
            raise Unavailable
        return ExchangedToken(f"{service} {len(self.asked)}", 600)


async def test_one_exchange_serves_all_calls_until_the_token_ends() -> None:
    identity = Identity()
    exchange = TokenExchange(identity, clock=lambda: identity.now)
    assert [await exchange.token_for(SESSION, "topics") for _ in range(3)] == ["topics 1"] * 3
    assert await exchange.token_for(SESSION, "person") == "person 2"
    identity.now += 600 - UNUSED_BEFORE_END
    assert await exchange.token_for(SESSION, "topics") == "topics 3"
    assert identity.asked == [(SESSION, "topics"), (SESSION, "person"), (SESSION, "topics")]


async def test_the_calls_of_one_page_ask_once_and_one_that_is_given_up_ends_no_other() -> None:
    identity = Identity()
    identity.may_answer.clear()
    exchange = TokenExchange(identity)
    calls = [asyncio.create_task(exchange.token_for(SESSION, "topics")) for _ in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    identity.may_answer.set()
    assert await asyncio.gather(*calls[1:]) == ["topics 1"] * 2


async def test_what_identity_refuses_is_asked_again_at_the_next_call() -> None:
    identity = Identity()
    identity.away = True
    exchange = TokenExchange(identity)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await exchange.token_for(SESSION, "topics")
    assert len(identity.asked) == 2


@pytest.mark.parametrize(
    "token", [TOKENS.token(aud="topics"), TOKENS.token(aud=["person", "topics"]), TOKENS.token(), "a"]
)
async def test_what_the_other_takes_or_cant_be_read_goes_as_it_is(token: str) -> None:
    identity = Identity()
    assert await TokenExchange(identity).token_for(token, "topics") == token
    assert not identity.asked


async def test_a_token_for_somebody_else_isnt_remembered_without_an_end() -> None:
    """A token that goes as it is counts until it ends too, so that no list of old ones is kept."""
    identity = Identity()
    exchange = TokenExchange(identity, clock=lambda: identity.now)
    for number in range(5_000):
        await exchange.token_for(f"{SESSION[:-6]}{number:06}", "topics")
    assert len(exchange._known) <= 4096
