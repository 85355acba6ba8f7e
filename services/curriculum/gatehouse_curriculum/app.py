"""Puts the service curriculum together."""

from litestar import Litestar
from litestar.di import Provide

from gatehouse_chassis import ServiceContext, create_app
from gatehouse_curriculum.access import Access
from gatehouse_curriculum.content import Content
from gatehouse_curriculum.routes import AssignmentsController, CurriculaController
from gatehouse_curriculum.tables import DB


def create(service: ServiceContext) -> Litestar:
    access, content = Access(service), Content(service)
    return create_app(
        service,
        routes=[CurriculaController, AssignmentsController],
        database=DB,
        dependencies={
            "access": Provide(lambda: access, sync_to_thread=False),
            "content": Provide(lambda: content, sync_to_thread=False),
        },
    )
