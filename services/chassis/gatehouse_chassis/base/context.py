"""The context of the current request: its ids, the caller's token and its deadline.

`http/middleware.py` sets it for every request; logs, data access and the client for other services read it. It is a
context variable: tasks that a request starts inherit it, and two requests never share one.
"""

from contextvars import ContextVar

import msgspec

REQUEST_ID_HEADER = "X-Request-Id"
TRACE_HEADER = "traceparent"  # https://www.w3.org/TR/trace-context/
TIMEOUT_HEADER = "X-Request-Timeout-Ms"


class RequestContext(msgspec.Struct):
    """`trace_id`, `span_id` and `trace_flags` are W3C trace context's, the span being this request.

    `deadline` is on the clock of the event loop (`loop.time()`); None: the caller set none. `forwarded_for` is the
    address that the balancer saw; empty for another service of ours.
    """

    request_id: str
    trace_id: str = ""
    span_id: str = ""
    trace_flags: str = "00"
    token: str = ""
    deadline: float | None = None
    forwarded_for: str = ""
    actor_id: str = ""


current: ContextVar[RequestContext | None] = ContextVar("gatehouse_request", default=None)

transaction_open: ContextVar[bool] = ContextVar("gatehouse_transaction", default=False)
"""Whether this task is inside a transaction, where nothing may wait for the network."""


def request_id() -> str:
    """The current request's id; empty outside a request."""
    context = current.get()
    return "" if context is None else context.request_id


def passed_on() -> dict[str, str]:
    """The headers that tie another service's logs and traces to the current request; none outside a request."""
    context = current.get()
    if context is None:
        return {}
    headers = {REQUEST_ID_HEADER: context.request_id}
    if context.trace_id:
        headers[TRACE_HEADER] = f"00-{context.trace_id}-{context.span_id}-{context.trace_flags}"
    return headers
