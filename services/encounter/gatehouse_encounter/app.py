"""Assembles the encounter service."""

from litestar import Litestar
from litestar.di import Provide

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_chassis.events import service_token
from gatehouse_encounter.access import EncounterAccess
from gatehouse_encounter.encounter.brief import (
    CalendarController,
    MemberController,
    agreement_routes,
    appointment_route,
    calendar_route,
)
from gatehouse_encounter.encounter.routes import DisclosureController, EncounterController
from gatehouse_encounter.encounter.text_routes import AnswerController, NoteController
from gatehouse_encounter.events import OUTBOX
from gatehouse_encounter.follow_up.routes import FollowUpController
from gatehouse_encounter.handlers import HANDLERS
from gatehouse_encounter.script.routes import ScriptChoiceController, ScriptController
from gatehouse_encounter.series.routes import SeriesController
from gatehouse_encounter.tables import DB


def create(service: ServiceContext) -> Litestar:
    access = EncounterAccess(service)
    guard = service_token.other_services(service.peer_key, to=service.name)
    return create_app(
        service,
        [
            ScriptController,
            ScriptChoiceController,
            EncounterController,
            DisclosureController,
            AnswerController,
            NoteController,
            FollowUpController,
            SeriesController,
            MemberController,
            CalendarController,
            agreement_routes(guard),
            appointment_route(guard),
            calendar_route(guard),
        ],
        database=DB,
        outbox=OUTBOX,
        handlers=HANDLERS,
        dependencies={"access": Provide(lambda: access, sync_to_thread=False)},
    )
