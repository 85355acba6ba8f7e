"""Series over HTTP: when two people usually meet."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import QueryParameter

from gatehouse_chassis import Actor
from gatehouse_chassis.http.etags import IfMatch, required_version, versioned
from gatehouse_chassis.http.guards import signed_in
from gatehouse_chassis.http.idempotency import Once
from gatehouse_chassis.lists.listing import Page
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.series import queries, rules
from gatehouse_encounter.series.structs import NewSeries, Occurrence, Series

MOST_OCCURRENCES = 60
Count = Annotated[int, QueryParameter(ge=1, le=MOST_OCCURRENCES, description="How many of the next ones")]


class SeriesController(Controller):
    path = "/series"
    tags = ("series",)

    @get(
        operation_id="ListSeries",
        operation_class=queries.ALL_SERIES.operation,
        guards=[signed_in],
        summary="The series that the caller sees: their own, for coordinators all",
    )
    async def list_series(self, request: Request[Any, Any, Any], actor: Actor) -> Page[Series]:
        return await queries.ALL_SERIES.page(request.query_params, where=[queries.series_of(actor)])

    @post(operation_id="CreateSeries", guards=[signed_in], summary="Say when two people usually meet")
    async def create_series(
        self, data: NewSeries, actor: Actor, access: EncounterAccess, once: Once
    ) -> Response[Series]:
        await access.planner(actor, data)
        zone = data.time_zone or await access.time_zone(actor, data.mentor_id) or "UTC"
        return await once(queries.create_series, data, zone, actor)

    @get("/{series_id:uuid}", operation_id="GetSeries", guards=[signed_in], summary="One series")
    async def get_series(self, request: Request[Any, Any, Any], series_id: UUID, actor: Actor) -> Response[Series]:
        await queries.SERIES.get(series_id, where=queries.series_of(actor))
        return versioned(await queries.read_series(series_id), request)

    @get(
        "/{series_id:uuid}/occurrences",
        operation_id="ListOccurrences",
        guards=[signed_in],
        summary="The next meetings of a series, in UTC",
    )
    async def list_occurrences(self, series_id: UUID, actor: Actor, count: Count = 12) -> list[Occurrence]:
        series = await queries.SERIES.get(series_id, where=queries.series_of(actor))
        return [] if series.ended_at else rules.occurrences(series, datetime.now(UTC), count)

    @post(
        "/{series_id:uuid}/end",
        operation_id="EndSeries",
        guards=[signed_in],
        status_code=200,
        summary="End a series; what is planned stays",
    )
    async def end_series(
        self, series_id: UUID, actor: Actor, access: EncounterAccess, if_match: IfMatch = None
    ) -> Response[Series]:
        series = await queries.SERIES.get(series_id, where=queries.series_of(actor))
        await access.planner(actor, series)
        return versioned(await queries.end_series(series_id, required_version(if_match), actor))
