"""Assembles the curriculum service."""

from litestar import Litestar
from litestar.di import Provide

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.curriculum.content import Content
from gatehouse_curriculum.curriculum.live_routes import LiveController
from gatehouse_curriculum.curriculum.queries import figures
from gatehouse_curriculum.curriculum.routes import AssignmentController, CurriculumController, ProposalController
from gatehouse_curriculum.document.jobs import rebuild_documents
from gatehouse_curriculum.document.routes import DocumentController
from gatehouse_curriculum.events import OUTBOX
from gatehouse_curriculum.forecast.jobs import fit_forecasts, length_handler
from gatehouse_curriculum.forecast.routes import CalibrationController, ForecastController
from gatehouse_curriculum.goal.routes import GoalController
from gatehouse_curriculum.live import CHANGES, HANDLERS
from gatehouse_curriculum.planning.agreements import agreement_handler
from gatehouse_curriculum.planning.routes import PlanningController
from gatehouse_curriculum.statistics.routes import StatisticsController
from gatehouse_curriculum.story.routes import StoryController
from gatehouse_curriculum.tables import DB
from gatehouse_curriculum.use.routes import UseController
from gatehouse_curriculum.way.routes import WayController


def create(service: ServiceContext) -> Litestar:
    access, content = Access(service), Content(service)
    CHANGES.forget = access.forget
    return create_app(
        service,
        [
            CurriculumController,
            AssignmentController,
            ProposalController,
            PlanningController,
            LiveController,
            DocumentController,
            UseController,
            WayController,
            GoalController,
            StoryController,
            StatisticsController,
            ForecastController,
            CalibrationController,
        ],
        database=DB,
        outbox=OUTBOX,
        figures=figures,
        changes=CHANGES,
        jobs={"fit_forecasts": fit_forecasts, "rebuild_documents": rebuild_documents},
        handlers={
            **HANDLERS,
            "apply_agreement": agreement_handler(service),
            "keep_length": length_handler(service),
        },
        dependencies={
            "access": Provide(lambda: access, sync_to_thread=False),
            "content": Provide(lambda: content, sync_to_thread=False),
        },
    )
