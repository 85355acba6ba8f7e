"""A violation of a policy by a resource."""

from gatehouse_catalog.errors import Fixable
from gatehouse_platform.offline.graph import RecordedResource


class Violation(Fixable, frozen=True, kw_only=True):
    policy: str
    resource: str
    property: str
    message: str

    def __str__(self) -> str:
        return f"{self.policy}: {self.resource}: {self.property}: {self.message} {self.fix}"


def violation(policy: str, resource: RecordedResource, name: str, message: str, fix: str) -> Violation:
    """A violation at a property of a resource."""
    return Violation(
        policy=policy, resource=f"{resource.kind} {resource.name}", property=name, message=message, fix=fix
    )
