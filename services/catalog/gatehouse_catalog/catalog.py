"""The catalog as one value: the services, and what every other part derives from them together."""

from collections.abc import Iterable, Iterator

from gatehouse_catalog.errors import CatalogError, Problem, nearest
from gatehouse_catalog.rules import expanded_uses
from gatehouse_catalog.structs import Service


class Catalog:
    """All services, by name. Use `load_catalog`, which validates them first."""

    def __init__(self, services: Iterable[Service]) -> None:
        self.services = tuple(sorted(services, key=lambda service: service.name))
        self._by_name = {service.name: service for service in self.services}

    def __iter__(self) -> Iterator[Service]:
        return iter(self.services)

    def __len__(self) -> int:
        return len(self.services)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Service:
        """The service of that name. Raises CatalogError with the nearest name when there is none."""
        try:
            return self._by_name[name]
        except KeyError:
            fix = nearest(name, self.names)
            problem = Problem(file=f"services/{name}", message="there is no such service.", fix=fix)
            raise CatalogError([problem]) from None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._by_name)

    @property
    def apis(self) -> tuple[Service, ...]:
        """The services that other programs call."""
        return tuple(service for service in self.services if service.is_api)

    @property
    def apps(self) -> tuple[Service, ...]:
        """The single-page applications."""
        return tuple(service for service in self.services if service.is_app)

    @property
    def domains(self) -> dict[str, tuple[Service, ...]]:
        """Services by domain, the unit that is promoted from dev to test."""
        grouped: dict[str, list[Service]] = {}
        for service in self.services:
            grouped.setdefault(service.domain, []).append(service)
        return {domain: tuple(members) for domain, members in sorted(grouped.items())}

    def uses(self, service: Service) -> tuple[Service, ...]:
        """The services that it calls, `*` expanded."""
        return tuple(self._by_name[name] for name in expanded_uses(service, self._by_name))

    def follows(self, service: Service) -> tuple[Service, ...]:
        """The services whose events it handles. It calls them too, but needs none of them to start."""
        return tuple(self._by_name[name] for name in service.followed)

    def callees(self, service: Service) -> tuple[Service, ...]:
        """Every service that it calls: those that it uses and those that it follows, by name."""
        names = {other.name for other in (*self.uses(service), *self.follows(service))}
        return tuple(self._by_name[name] for name in sorted(names))

    def start_order(self, names: Iterable[str] | None = None) -> tuple[Service, ...]:
        """The named services (default: all) and every service that they use, each after the ones it uses."""
        ordered: dict[str, Service] = {}

        def add(service: Service) -> None:
            if service.name not in ordered:
                for used in self.uses(service):
                    add(used)
                ordered[service.name] = service

        for name in self.names if names is None else names:
            add(self[name])
        return tuple(ordered.values())
