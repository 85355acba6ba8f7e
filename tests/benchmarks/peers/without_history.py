"""The service person as it is, but for its history: what keeping that costs is what the two differ in."""

import os

from gatehouse_catalog import find_root
from gatehouse_chassis.base import logs
from gatehouse_chassis.serve import run
from gatehouse_chassis.service.service import ServiceContext
from gatehouse_person.app import create
from gatehouse_person.tables import DB


def main() -> None:
    service = ServiceContext.load(find_root() / "services" / "person", os.environ)
    logs.configure(service.name)
    app = create(service)
    DB.history = None
    run(app, service)


if __name__ == "__main__":
    main()
