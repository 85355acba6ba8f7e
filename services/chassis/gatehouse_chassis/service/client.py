"""Calls to another service: bounded in time, retried where that is safe, and failing fast while the other is down.

    people = service.call("person")
    row = await people.get(f"/api/person/people/{id}", PersonRow)           # raises Refused on 4xx
    row = await people.find(f"/api/person/people/{id}", PersonRow)          # None on 404
    made = await people.post("/api/person/people", PersonRow, json=new, idempotency_key=key)

The caller's token, exchanged for one that the other takes (token_exchange.py), the request id, trace and deadline are
passed on from the current request (base/context.py). A call ends
after `total` seconds or at the request's own deadline, whichever is sooner. GET, HEAD, PUT and DELETE, and any request
with an Idempotency-Key, are attempted up to `attempts` times when the other doesn't answer or answers 502, 503 or 504;
what was never sent (no connection) is retried for every method. Pauses are random up to a doubling bound (full jitter:
https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/).
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from gatehouse_chassis.base.context import TIMEOUT_HEADER, current, passed_on, transaction_open
from gatehouse_chassis.base.problems import ApiProblem, ProblemDetails, Unavailable
from gatehouse_chassis.base.tls import trusted_authorities
from gatehouse_chassis.service.circuit_breaker import Breaker
from gatehouse_chassis.service.token_exchange import TokenExchange

T = TypeVar("T")
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
AWAY = frozenset({502, 503, 504})
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0

OnCall = Callable[[str, str], None]
"""(service called, outcome): `2xx` ... `5xx`, `timeout`, `unreachable` or `open`; once for each attempt."""


class RequestRefused(ApiProblem):
    """The other service answered 4xx. Uncaught it is a 502: this service made the request, not its caller.

    `answered` is the status and `problem` the body, for code that can act on them.
    """

    status = 502
    slug = "refused-by-another-service"
    title = "Another service refused the request of this one"

    def __init__(self, service: str, answered: int, problem: ProblemDetails | None) -> None:
        super().__init__(f"{service} answered {answered}.")
        self.service = service
        self.answered = answered
        self.problem = problem


class Misunderstood(ApiProblem):
    """The other service's answer doesn't have the expected form."""

    status = 502
    slug = "misunderstood-another-service"
    title = "Another service's answer can't be read"


class TooLate(ApiProblem):
    """The caller's deadline has passed; nobody waits for the answer any more."""

    status = 504
    slug = "deadline-exceeded"
    title = "The deadline has passed"


class CallInTransaction(RuntimeError):
    """The code calls another service inside a transaction: a bug. Rows stay locked for as long as the other takes,
    and no consumer sees any event of the whole cluster meanwhile (events/feed.py)."""


class PeerClient:
    """The client of one other service; opened at start, closed at shutdown, shared by all requests."""

    def __init__(
        self,
        name: str,
        address: str,
        *,
        attempt_timeout: float = 2.0,
        total: float = 5.0,
        attempts: int = 3,
        connections: int = 20,
        breaker: Breaker | None = None,
        on_call: OnCall | None = None,
        exchange: TokenExchange | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Timeouts in seconds. `exchange`: without it a token is passed on as it is. `jitter`: numbers from 0 to 1."""
        self.name = name
        self.exchange = exchange
        self.breaker = breaker or Breaker()
        self._attempt_timeout = attempt_timeout
        self._total = total
        self._attempts = attempts
        self._on_call = on_call or (lambda _service, _outcome: None)
        self._jitter = jitter
        self._http = httpx.AsyncClient(
            base_url=address,
            transport=transport,
            # httpx gives up after 5 s of silence unless told; an attempt that may take longer ends by its own limit.
            timeout=httpx.Timeout(max(attempt_timeout, 5.0), connect=5.0, pool=5.0),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            trust_env=False,
            verify=trusted_authorities(),
        )

    def more_patient(self, seconds: float) -> "PeerClient":
        """A client of the same service that waits so long for the one attempt that it makes."""
        return PeerClient(
            self.name,
            str(self._http.base_url),
            attempt_timeout=seconds,
            total=seconds,
            attempts=1,
            on_call=self._on_call,
            exchange=self.exchange,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def get(self, path: str, type: type[T], *, params: Mapping[str, Any] | None = None, **options: Any) -> T:
        return self._decoded(await self.request("GET", path, params=params, **options), type)

    async def find(
        self, path: str, type: type[T], *, params: Mapping[str, Any] | None = None, **options: Any
    ) -> T | None:
        """None when the other answers 404."""
        try:
            return await self.get(path, type, params=params, **options)
        except RequestRefused as refused:
            if refused.answered == 404:
                return None
            raise

    async def post(
        self, path: str, type: type[T], *, json: Any = None, idempotency_key: str | None = None, **options: Any
    ) -> T:
        headers = {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}
        return self._decoded(await self.request("POST", path, json=json, headers=headers, **options), type)

    async def patch(self, path: str, type: type[T], *, json: Any, version: int, **options: Any) -> T:
        headers = {"If-Match": f'"{version}"'}
        return self._decoded(await self.request("PATCH", path, json=json, headers=headers, **options), type)

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
    ) -> httpx.Response:
        """A response below 400. Raises RequestRefused (4xx), Unavailable (no answer, or 5xx), TooLate.

        `token` instead of the caller's own; an empty one sends none. Raises CallInTransaction, too, and what identity
        says when it doesn't exchange the token.
        """
        if transaction_open.get():
            raise CallInTransaction(
                f"{method} {path}: {self.name} is called inside a transaction. Ask it before the transaction begins."
            )
        clock = asyncio.get_running_loop().time
        ends = clock() + self._total
        context = current.get()
        if context is not None and context.deadline is not None:
            ends = min(ends, context.deadline)
        sent = await self._headers(headers or {}, token, ends)
        content = None
        if json is not None:
            content = msgspec.json.encode(json)
            sent["Content-Type"] = "application/json"
        repeatable = method in IDEMPOTENT or "Idempotency-Key" in sent
        for attempt in range(1, self._attempts + 1):
            left = ends - clock()
            if left <= 0:
                raise TooLate(f"The deadline passed before {self.name} was asked.")
            sent[TIMEOUT_HEADER] = str(max(1, int(min(left, self._attempt_timeout) * 1000)))
            request = self._http.build_request(method, path, params=params, content=content, headers=sent)
            response, again = await self._attempt(request, min(left, self._attempt_timeout))
            if response is not None and response.status_code not in AWAY:
                return self._answer(response)
            pause = self._jitter() * min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
            if attempt == self._attempts or not (again or repeatable) or clock() + pause >= ends:
                break
            await asyncio.sleep(pause)
        raise Unavailable(f"{self.name} doesn't answer right now. Try again in a moment.", retry_after=2)

    async def _attempt(self, request: httpx.Request, seconds: float) -> tuple[httpx.Response | None, bool]:
        """The response, if there is one, and whether the request certainly had no effect."""
        clock = asyncio.get_running_loop().time
        if not self.breaker.allows(clock()):
            self._on_call(self.name, "open")
            wait = max(1, round(self.breaker.seconds_to_wait(clock())))
            raise Unavailable(f"{self.name} hasn't been answering; it will be tried again soon.", retry_after=wait)
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.send(request)
        except (httpx.TransportError, TimeoutError) as error:
            self.breaker.failed(clock())
            late = isinstance(error, (TimeoutError, httpx.TimeoutException))
            self._on_call(self.name, "timeout" if late else "unreachable")
            return None, isinstance(error, NEVER_SENT)
        except BaseException:
            self.breaker.gave_up()
            raise
        self._on_call(self.name, f"{response.status_code // 100}xx")
        if response.status_code in AWAY:
            self.breaker.failed(clock())
        else:
            self.breaker.succeeded()
        return response, False

    async def _headers(self, headers: Mapping[str, str], token: str | None, ends: float) -> dict[str, str]:
        sent = {"Accept": "application/json", **headers, **passed_on()}
        context = current.get()
        if context is not None and token is None:
            token = context.token
        if token and self.exchange is not None:
            try:
                async with asyncio.timeout_at(ends):
                    token = await self.exchange.token_for(token, self.name)
            except TimeoutError:
                raise TooLate(f"The deadline passed before {self.name} was asked.") from None
        if token:
            sent["Authorization"] = f"Bearer {token}"
        return sent

    def _answer(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if status >= 500:
            raise Unavailable(f"{self.name} answered {status}.", retry_after=2)
        if status >= 400:
            try:
                problem = msgspec.json.decode(response.content, type=ProblemDetails)
            except msgspec.MsgspecError:
                problem = None
            raise RequestRefused(self.name, status, problem)
        return response

    def _decoded(self, response: httpx.Response, type: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=type)
        except msgspec.MsgspecError as error:
            raise Misunderstood(f"{self.name} answered in an unexpected form.") from error
