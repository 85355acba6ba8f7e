"""Assembles a service: its own routes in a Litestar application with everything that services share."""

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import MediaType
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp, ControllerRouterHandler, ExceptionHandler, Receive, Scope, Send
from uuid_utils.compat import uuid7

from gatehouse_catalog.structs import Job
from gatehouse_chassis.base.actor import EVERY_SERVICE, Actor
from gatehouse_chassis.base.drain import Drain
from gatehouse_chassis.base.problems import Invalid
from gatehouse_chassis.data.database import Database
from gatehouse_chassis.events import retention
from gatehouse_chassis.events.following import Following
from gatehouse_chassis.events.outbox import Outbox
from gatehouse_chassis.events.reader import EventHandler
from gatehouse_chassis.events.service_token import sign
from gatehouse_chassis.http import idempotency, rate_limits
from gatehouse_chassis.http.admission import Admission
from gatehouse_chassis.http.auth import Authenticator, FetchKeys, PublicKeys
from gatehouse_chassis.http.docs_page import render_docs_page
from gatehouse_chassis.http.error_responses import answer
from gatehouse_chassis.http.guards import authorizer, label_of, public
from gatehouse_chassis.http.health import HealthChecks, ReadinessCheck
from gatehouse_chassis.http.hosts import Hosts, Origins
from gatehouse_chassis.http.jobs import job_routes
from gatehouse_chassis.http.middleware import ObservabilityMiddleware
from gatehouse_chassis.http.openapi import described
from gatehouse_chassis.http.operations import operations
from gatehouse_chassis.http.versions import DatabaseVersions
from gatehouse_chassis.jobs import queue
from gatehouse_chassis.jobs.declared import declared_jobs
from gatehouse_chassis.jobs.runner import JobRunner
from gatehouse_chassis.jobs.structs import Handler
from gatehouse_chassis.live.changes import Changes
from gatehouse_chassis.live.socket_layer import SocketLayer, SocketRoute
from gatehouse_chassis.live.tickets import Tickets
from gatehouse_chassis.metrics.business import BusinessFigures, ReadFigures
from gatehouse_chassis.metrics.jobs import JobMetrics
from gatehouse_chassis.metrics.registry import Metrics
from gatehouse_chassis.privacy.assembled import Privacy
from gatehouse_chassis.service.client import PeerClient
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_chassis.service.token_exchange import Ask, ExchangedToken, TokenExchange

if TYPE_CHECKING:
    from gatehouse_chassis.service.spans import SpanExporter

LARGEST_BODY = 1_000_000
LOCAL_PAGES = r"http://(localhost|127\.0\.0\.1)(:\d+)?"
EXPOSED_HEADERS = ["ETag", "Location", "X-Request-Id", "Idempotency-Replayed", "Retry-After"]

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[None]]
log = structlog.get_logger()


class Unguarded(RuntimeError):
    """A route that doesn't say who may call it. The application doesn't start."""


class JsonRequest(Request):
    """A request whose body may be any bytes: Litestar answers one that isn't UTF-8, or 1,000 brackets, with a 500."""

    async def json(self) -> Any:
        try:
            return await super().json()
        except UnicodeDecodeError:
            raise Invalid({"body": "isn't UTF-8; send JSON in UTF-8"}) from None
        except RecursionError:
            raise Invalid({"body": "is nested too deeply; no request of ours is"}) from None


class App(Litestar):
    """A Litestar application whose outermost layer also sees requests that match no route."""

    def observed_by(
        self, metrics: Metrics, drain: Drain, admission: Admission, hosts: Hosts, spans: "SpanExporter | None"
    ) -> None:
        app = _cors_if_cross_origin(self.asgi_handler)
        self.asgi_handler = ObservabilityMiddleware(app, metrics, drain, admission, hosts, spans)

    def with_sockets(self, service: ServiceContext, drain: Drain, hosts: Hosts, metrics: Metrics) -> None:
        """Their layer is the outermost. Without a route for sockets there is none, and uvicorn refuses them."""
        pages = LOCAL_PAGES if service.environment == "local" else None
        self.asgi_handler = SocketLayer(
            self.asgi_handler,
            hosts=hosts,
            origins=Origins(service.public_url, service.cors_origins, pages),
            drain=drain,
            authenticator=self.state.authenticator,
            tickets=self.state.tickets,
            figures=metrics.watch_sockets(),
        )


def create_app(
    service: ServiceContext,
    routes: Sequence[ControllerRouterHandler] = (),
    *,
    database: Database | None = None,
    outbox: Outbox | None = None,
    handlers: Mapping[str, EventHandler] | None = None,
    dependencies: Mapping[str, Provide] | None = None,
    lifespan: Sequence[Lifespan] = (),
    jobs: Mapping[str, Handler] | None = None,
    figures: ReadFigures | None = None,
    changes: Changes | None = None,
    keys: FetchKeys | None = None,
    checks: Mapping[str, ReadinessCheck] | None = None,
    audience: str = "",
    errors: ExceptionHandler = answer,
    **options: Any,
) -> Litestar:
    """The application of `service`: `routes` below its path, and the platform's routes at the root.

    `outbox` holds the events that it publishes, `handlers` what it does with those of others, by the names that
    `[events.handles]` gives them. `jobs`: what does the work of each job in service.toml. `figures` reads what the
    institute counts in it (metrics/business.py). `changes`: what open pages are told of, by WebSocket. `keys` replaces
    fetching identity's JWKS over HTTP (identity itself, tests). `checks`: what else must be so before it gets requests.
    `audience`: whom the tokens that it takes are
    for, where that isn't itself. `errors` answers every exception. `options` go to Litestar.
    Raises Unguarded when a route has no guard, and CatalogError where service.toml has other events or jobs.
    """
    drain = Drain()
    metrics = Metrics(service)
    privacy = Privacy(service, database)
    own = _own_jobs(routes, database, outbox) | privacy.jobs
    runner = _job_runner(service, database, jobs or {}, own, metrics)
    versions = DatabaseVersions(database) if database is not None else None
    if versions is not None:
        metrics.watch_sessions(lambda: versions.sessions)
        metrics.watch_statements(lambda: versions.statements)
    needs = dict(service.entry.database.needs) if service.entry.database else {}
    if _creates_once(routes):
        needs |= idempotency.NEEDS
    if rate_limits.limit_of(_all_guards(routes)) is not None:
        needs |= rate_limits.NEEDS
    if runner is not None:
        needs |= queue.NEEDS
        drain.listeners.append(runner.drain)
    following = Following(service, database, outbox, handlers or {}, metrics)
    needs |= following.needs | privacy.needs
    health = HealthChecks(drain=drain, metrics=metrics, database=versions, needs=needs, checks=checks)
    state = State(
        {
            "service": service,
            "drain": drain,
            "metrics": metrics,
            "health": health,
            "authenticator": Authenticator(
                PublicKeys(keys or _from_identity(service)), audiences=_audiences(service, audience)
            ),
            "jobs": runner,
            "tickets": Tickets(service.database_url or service.name),
        }
    )
    if database is not None:
        state["repeats"] = idempotency.Repeats(database)
        state["rate_limiter"] = rate_limits.RateLimiter(database, service.database_url or service.name)
        metrics.watch_pool(database.pool_state, lambda: msgspec.structs.astuple(database.counters))

    business = BusinessFigures(service.name, figures) if figures is not None else None
    if business is not None:
        metrics.registry.register(business)
    spans = _span_exporter(service)
    path = service.entry.path
    app = App(
        route_handlers=[
            operations(service, health, metrics),
            *([job_routes(runner)] if runner is not None else []),
            *privacy.routes,
            _documents(service),
            *following.routes,
            Router(path=path, route_handlers=list(routes)),
        ],
        lifespan=[
            _calling(service, metrics),
            _connected(service, database),
            *lifespan,
            _working(runner),
            privacy.running,
            following.running,
            *([business.running] if business is not None else []),
            *([spans.running] if spans is not None else []),
            *([changes.running] if changes is not None and service.database_url else []),
        ],
        dependencies={
            "actor": Provide(_actor, sync_to_thread=False),
            "service": Provide(_service, sync_to_thread=False),
            "tickets": Provide(_tickets, sync_to_thread=False),
            "once": Provide(idempotency.provide_once, sync_to_thread=False),
            **(dependencies or {}),
        },
        exception_handlers={Exception: errors},
        openapi_config=OpenAPIConfig(
            title=f"{service.name} — {service.entry.summary}",
            version="1.0.0",
            openapi_router=Router(path="/openapi", route_handlers=[], guards=[public], include_in_schema=False),
        ),
        cors_config=_cors(service),
        request_max_body_size=LARGEST_BODY,
        request_class=JsonRequest,
        state=state,
        logging_config=None,
        **options,
    )
    unguarded = unguarded_routes(app)
    if unguarded:
        message = f"no guard on {', '.join(unguarded)}; add guards=[signed_in], [allow(...)] or [public]"
        raise Unguarded(message)
    app.state.limited_routes = _limited_routes(app)
    _resolve_once(app)
    hosts = Hosts(service.public_url, service.cors_origins)
    app.observed_by(metrics, drain, Admission(service.entry.scaling.concurrency), hosts, spans)
    if any(isinstance(handler, SocketRoute) for route in app.routes for handler in _handlers(route)):
        app.with_sockets(service, drain, hosts, metrics)
    return app


def _connected(service: ServiceContext, database: Database | None) -> Lifespan:
    """The database is open."""

    @asynccontextmanager
    async def connected(app: Litestar) -> AsyncGenerator[None, None]:
        if database is None:
            yield
            return
        assert service.entry.database is not None
        await database.open(
            service.database_url or "",
            application_name=service.name,
            max_size=service.entry.database.pool,
            slow_statement=service.entry.database.slow_statement_ms,
            idle_connection_seconds=service.idle_connection_seconds,
            min_size=0,  # it starts without a database, and /health/ready says that there is none
        )
        try:
            yield
        finally:
            await database.close()

    return connected


def _calling(service: ServiceContext, metrics: Metrics) -> Lifespan:
    """There is a client for each service that it may call."""
    clients = service.clients

    @asynccontextmanager
    async def calling(app: Litestar) -> AsyncGenerator[None, None]:
        exchange = TokenExchange(_exchange_at_identity(service)) if "identity" in service.addresses else None
        for name, address in service.addresses.items():
            clients[name] = PeerClient(name, address, on_call=metrics.count_call, exchange=exchange)
        try:
            yield
        finally:
            for client in clients.values():
                await client.close()
            clients.clear()

    return calling


def _span_exporter(service: ServiceContext) -> "SpanExporter | None":
    """None, and nothing loaded, unless the environment names a collector."""
    if not service.traces_endpoint:
        return None
    from gatehouse_chassis.service.spans import SpanExporter  # noqa: PLC0415 - off costs nothing

    resource = {
        "service.name": service.name,
        "service.version": service.build.version,
        "deployment.environment.name": service.environment,
    }
    return SpanExporter(service.traces_endpoint, resource, ratio=service.traces_ratio)


def _working(runner: JobRunner | None) -> Lifespan:
    """Jobs run; at the end they get time to finish."""

    @asynccontextmanager
    async def working(app: Litestar) -> AsyncGenerator[None, None]:
        if runner is None:
            yield
            return
        runner.start()
        try:
            yield
        finally:
            await runner.stop()

    return working


def _own_jobs(
    routes: Sequence[ControllerRouterHandler], database: Database | None, outbox: Outbox | None
) -> dict[str, tuple[Job, Handler]]:
    """The chassis's jobs for what this service uses of it."""
    own: dict[str, tuple[Job, Handler]] = {}
    if database is not None:
        own |= idempotency.jobs(database) if _creates_once(routes) else {}
        own |= retention.jobs(database) if outbox is not None else {}
    return own


def _job_runner(
    service: ServiceContext,
    database: Database | None,
    handlers: Mapping[str, Handler],
    own: Mapping[str, tuple[Job, Handler]],
    metrics: Metrics,
) -> JobRunner | None:
    """None: the service has no jobs. Raises CatalogError when service.toml and the handlers differ."""
    declared = declared_jobs(service, handlers, own)
    if database is None or not declared:
        return None
    counted = JobMetrics(service.name)
    metrics.registry.register(counted)
    return JobRunner(service, database, declared, counted)


def unguarded_routes(app: Litestar) -> list[str]:
    """`METHOD path` of every route handler that has none of the chassis's guards."""
    unguarded = []
    for route in app.routes:
        for handler in _handlers(route):
            if isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}:
                continue  # Litestar's own answer to OPTIONS: the allowed methods, nothing else
            if not any(label_of(guard) for guard in handler.resolve_guards()):
                methods = sorted(getattr(handler, "http_methods", ()))
                unguarded.append(f"{'/'.join(methods)} {route.path}".strip())
    return unguarded


def _resolve_once(app: Litestar) -> None:
    """Resolve guards and exception handlers once; Litestar does so for every request.

    It writes into the handlers because Litestar has no setting for it: a small request takes 56 microseconds instead of
    73 (in-process, one core, medians of 30 alternating runs).
    """
    for route in app.routes:
        for handler in _handlers(route):
            if hasattr(handler, "__dict__"):  # @get and its like; Litestar's own answer to OPTIONS is made of slots
                vars(handler)["authorize_connection"] = authorizer(handler)
                vars(handler)["resolve_exception_handlers"] = partial(dict, handler.resolve_exception_handlers())


def _cors_if_cross_origin(cors: Any) -> ASGIApp:
    """Litestar's CORS layer for requests with an Origin header; the application inside it for all others."""

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        has_origin = scope["type"] != "http" or any(name == b"origin" for name, _ in scope["headers"])
        await (cors if has_origin else cors.app)(scope, receive, send)

    return choose


def _creates_once(routes: Sequence[ControllerRouterHandler]) -> bool:
    """Whether a handler asks for `once`."""
    signatures = [inspect.signature(handler.fn) for handler in _route_handlers(routes)]
    return any("once" in signature.parameters for signature in signatures)


def _route_handlers(routes: Sequence[ControllerRouterHandler]) -> list[HTTPRouteHandler]:
    """Those given, and those of the controllers given."""
    grouped = [vars(route).values() if isinstance(route, type) else [route] for route in routes]
    return [handler for group in grouped for handler in group if isinstance(handler, HTTPRouteHandler)]


def _all_guards(routes: Sequence[ControllerRouterHandler]) -> list[Any]:
    """Those of all routes and of the controllers around them."""
    around = [guard for route in routes if isinstance(route, type) for guard in vars(route).get("guards", ())]
    return [*around, *(guard for handler in _route_handlers(routes) for guard in handler.guards or ())]


def _limited_routes(app: Litestar) -> list[rate_limits.LimitedRoute]:
    """The routes for strangers that count what one address sends."""
    found = []
    for route in app.routes:
        for handler in _handlers(route):
            limit = rate_limits.limit_of(handler.resolve_guards())
            if limit is not None:
                methods = "/".join(sorted(getattr(handler, "http_methods", ())))
                name = f"{methods} {route.path}"
                found.append(rate_limits.LimitedRoute(route=name, per_minute=limit.per_minute, at_once=limit.at_once))
    return found


def _handlers(route: Any) -> Sequence[BaseRouteHandler]:
    handlers = getattr(route, "route_handlers", None)
    return handlers if handlers is not None else [route.route_handler]


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return request.auth


def _service(state: State) -> ServiceContext:
    return state.service


def _tickets(state: State) -> Tickets:
    return state.tickets


def _cors(service: ServiceContext) -> CORSConfig:
    """Locally any page under development on this machine may call; elsewhere only the named origins."""
    return CORSConfig(
        allow_origins=list(service.cors_origins) or [service.public_url],
        allow_origin_regex=LOCAL_PAGES if service.environment == "local" else None,
        allow_headers=["authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"],
        expose_headers=EXPOSED_HEADERS,
        max_age=600,
    )


def _from_identity(service: ServiceContext) -> FetchKeys:
    async def fetch() -> dict[str, Any]:
        return await service.call("identity").get("/api/identity/jwks.json", dict[str, Any], token="")

    return fetch


def _audiences(service: ServiceContext, audience: str) -> list[str]:
    return [audience or service.name, *([EVERY_SERVICE] if service.environment == "local" else [])]


def _exchange_at_identity(service: ServiceContext) -> Ask:
    """Who has the key that services sign with says who it is; the portal has none, and its tokens are for identity."""

    async def ask(token: str, audience: str) -> ExchangedToken:
        body = {"subject_token": token, "audience": audience}
        if service.peer_key:
            body["actor_token"] = sign(service.peer_key, by=service.name, to="identity")
        return await service.clients["identity"].post(
            "/api/identity/token/exchange", ExchangedToken, json=body, token="", idempotency_key=str(uuid7())
        )

    return ask


def _documents(service: ServiceContext) -> Router:
    """/openapi.json and /docs, rendered at the first request."""
    rendered: dict[str, bytes] = {}

    def document(app: Litestar) -> bytes:
        if "json" not in rendered:
            rendered["json"] = msgspec.json.encode(described(app), enc_hook=str)
        return rendered["json"]

    @get("/openapi.json", guards=[public], include_in_schema=False, sync_to_thread=False)
    def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
        return Response(document(request.app), media_type=MediaType.JSON)

    @get("/docs", guards=[public], include_in_schema=False, sync_to_thread=False)
    def docs(request: Request[Any, Any, Any]) -> Response[bytes]:
        if "html" not in rendered:
            rendered["html"] = render_docs_page(msgspec.json.decode(document(request.app)), service.name).encode()
        return Response(rendered["html"], media_type=MediaType.HTML)

    return Router(path="/", route_handlers=[openapi, docs])
