"""Calls to another service: bounded, repeated only where that is safe, and quickly refused while it is down."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatehouse_chassis.base.context import RequestContext, current
from gatehouse_chassis.base.problems import Unavailable
from gatehouse_chassis.service.circuit_breaker import Breaker
from gatehouse_chassis.service.client import Misunderstood, PeerClient, RequestRefused, TooLate
from gatehouse_local.testing.pytest_plugin import free_port


class Person(msgspec.Struct):
    name: str


class Other:
    """The other service: gives its answers in turn, the last one for ever."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers) or [200]
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == "silence":
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(answer, json={"name": "Anna"})


def client_of(other: Other, **options) -> tuple[PeerClient, list[tuple[str, str]]]:
    calls: list[tuple[str, str]] = []
    chosen: dict[str, Any] = {"jitter": lambda: 0.0, "attempt_timeout": 0.05, **options}
    client = PeerClient(
        "person",
        "http://person.test",
        transport=httpx.MockTransport(other),
        on_call=lambda service, outcome: calls.append((service, outcome)),
        **chosen,
    )
    return client, calls


@pytest.fixture
def request_in_hand():
    def begin(deadline: float | None = None) -> None:
        current.set(RequestContext(request_id="request-1", token="token-of-anna", deadline=deadline))

    yield begin
    current.set(None)


async def test_an_answer_becomes_a_struct_and_is_counted():
    client, calls = client_of(Other(200))
    assert await client.get("/people/1", Person, params={"x": "1"}) == Person("Anna")
    assert calls == [("person", "2xx")]


async def test_the_token_request_id_and_time_left_go_along(request_in_hand):
    other = Other(200)
    client, _ = client_of(other)
    request_in_hand()
    await client.get("/people/1", Person)
    await client.get("/people/1", Person, token="of-the-service")
    await client.get("/people/1", Person, token="")
    first, second, third = other.requests
    assert first.headers["Authorization"] == "Bearer token-of-anna"
    assert first.headers["X-Request-Id"] == "request-1"
    assert 1 <= int(first.headers["X-Request-Timeout-Ms"]) <= 50
    assert second.headers["Authorization"] == "Bearer of-the-service"
    assert "Authorization" not in third.headers


async def test_the_trace_goes_along():
    other = Other(200)
    client, _ = client_of(other)
    token = current.set(RequestContext(request_id="request-1", trace_id="ab" * 16, span_id="cd" * 8, trace_flags="01"))
    await client.get("/people/1", Person)
    current.reset(token)
    assert other.requests[0].headers["traceparent"] == f"00-{'ab' * 16}-{'cd' * 8}-01"


async def test_outside_of_a_request_nothing_is_passed_on():
    other = Other(200)
    client, _ = client_of(other)
    await client.get("/people/1", Person)
    assert not {"authorization", "x-request-id", "traceparent"} & set(other.requests[0].headers)


async def test_a_deadline_that_is_over_asks_nobody(request_in_hand):
    other = Other(200)
    client, _ = client_of(other)
    request_in_hand(deadline=asyncio.get_running_loop().time() - 1)
    with pytest.raises(TooLate):
        await client.get("/people/1", Person)
    assert other.requests == []


async def test_a_short_deadline_ends_the_call(request_in_hand):
    other = Other("silence")
    client, calls = client_of(other, attempt_timeout=30)
    request_in_hand(deadline=asyncio.get_running_loop().time() + 0.05)
    with pytest.raises((TooLate, Unavailable)):
        await client.get("/people/1", Person)
    assert calls == [("person", "timeout")]


@pytest.mark.parametrize("trouble", [502, 503, 504, "silence", httpx.ReadError("cut"), httpx.ConnectError("refused")])
async def test_reads_are_tried_again(trouble):
    other = Other(trouble, trouble, 200)
    client, _ = client_of(other)
    assert await client.get("/people/1", Person) == Person("Anna")
    assert len(other.requests) == 3


async def test_after_the_last_attempt_it_is_unavailable():
    other = Other(503)
    client, calls = client_of(other, attempts=2)
    with pytest.raises(Unavailable) as caught:
        await client.get("/people/1", Person)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "2")
    assert calls == [("person", "5xx")] * 2


@pytest.mark.parametrize("trouble", [503, "silence", httpx.ReadError("cut")])
async def test_a_creating_request_that_may_have_arrived_isnt_repeated(trouble):
    other = Other(trouble, 201)
    client, _ = client_of(other)
    with pytest.raises(Unavailable):
        await client.post("/people", Person, json=Person("Anna"))
    assert len(other.requests) == 1


async def test_a_creating_request_is_repeated_when_it_never_left_or_has_a_key():
    other = Other(httpx.ConnectError("refused"), 201)
    client, _ = client_of(other)
    assert await client.post("/people", Person, json=Person("Anna")) == Person("Anna")
    other.answers = [503, 201]
    assert await client.post("/people", Person, json=Person("Anna"), idempotency_key="k") == Person("Anna")
    assert [request.headers.get("Idempotency-Key") for request in other.requests] == [None, None, "k", "k"]
    assert other.requests[0].content == b'{"name":"Anna"}'


async def test_a_change_says_which_version():
    other = Other(200)
    client, _ = client_of(other)
    await client.patch("/people/1", Person, json={"name": "Anna"}, version=3)
    assert other.requests[0].headers["If-Match"] == '"3"'


async def test_a_500_is_unavailable_at_once():
    other = Other(500)
    client, _ = client_of(other)
    with pytest.raises(Unavailable):
        await client.get("/people/1", Person)
    assert len(other.requests) == 1


async def test_a_refusal_carries_what_the_other_said_and_is_ours_to_answer_for():
    problem = {"type": "urn:gatehouse:problem:conflict", "title": "No", "status": 409, "detail": "taken", "extra": 1}
    client, _ = client_of(Other(httpx.Response(409, json=problem)))
    with pytest.raises(RequestRefused) as caught:
        await client.get("/people/1", Person)
    assert (caught.value.status, caught.value.answered) == (502, 409)
    assert caught.value.problem is not None
    assert caught.value.problem.detail == "taken"


async def test_what_isnt_there_may_be_none():
    client, _ = client_of(Other(404))
    assert await client.find("/people/1", Person) is None
    refusing, _ = client_of(Other(403))
    with pytest.raises(RequestRefused):
        await refusing.find("/people/1", Person)


async def test_an_answer_of_another_shape_is_said_to_be_one():
    client, _ = client_of(Other(httpx.Response(200, json={"surname": "A"})))
    with pytest.raises(Misunderstood):
        await client.get("/people/1", Person)


async def test_while_it_is_down_it_is_asked_no_more_and_then_once():
    other = Other(httpx.ConnectError("refused"))
    client, calls = client_of(other, attempts=1, breaker=Breaker(failures=3, rest=0.05))
    for _ in range(6):
        with pytest.raises(Unavailable):
            await client.get("/people/1", Person)
    assert [outcome for _, outcome in calls] == ["unreachable"] * 3 + ["open"] * 3
    assert len(other.requests) == 3
    other.answers = [200]
    rested = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.06, rested.set_result, None)
    await rested
    assert await client.get("/people/1", Person) == Person("Anna")


async def test_an_address_where_nobody_listens_is_unavailable():
    client = PeerClient("person", f"http://127.0.0.1:{free_port()}", jitter=lambda: 0.0)
    with pytest.raises(Unavailable, match="person doesn't answer"):
        await client.get("/people/1", Person)
    await client.close()


def test_a_breaker_opens_rests_tries_one_and_closes():
    breaker = Breaker(failures=2, rest=10)
    for _ in range(2):
        assert breaker.allows(0)
        breaker.failed(0)
    assert (breaker.state(9), breaker.allows(9), breaker.seconds_to_wait(9)) == ("open", False, 1)
    assert breaker.state(10) == "half-open"
    assert [breaker.allows(10), breaker.allows(10)] == [True, False]
    breaker.failed(10)
    assert (breaker.state(19), breaker.allows(19)) == ("open", False)
    assert breaker.allows(20)
    breaker.gave_up()
    assert breaker.allows(20)
    breaker.succeeded()
    assert (breaker.state(20), breaker.allows(20)) == ("closed", True)


def test_a_success_between_failures_keeps_it_closed():
    breaker = Breaker(failures=2)
    for _ in range(5):
        breaker.failed(0)
        breaker.succeeded()
    assert breaker.state(0) == "closed"


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["fails", "succeeds", "gives up"])), max_size=60))
def test_a_breaker_never_locks_itself_out(steps):
    """Whatever happened, after the rest there is always a call that may be tried."""
    breaker = Breaker(failures=3, rest=5)
    now = 0.0
    for pause, outcome in steps:
        now += pause
        if breaker.allows(now):
            if outcome == "fails":
                breaker.failed(now)
            elif outcome == "succeeds":
                breaker.succeeded()
            else:
                breaker.gave_up()
    assert breaker.allows(now + 5)


async def test_a_patient_client_waits_as_long_as_it_says():
    other = Other()
    client, _ = client_of(other, attempt_timeout=60.0, total=60.0)
    await client.request("GET", "/api/person/people")
    assert other.requests[0].extensions["timeout"]["read"] == 60.0
