"""What a policy says about a resource that breaks it."""

import msgspec

from gatehouse_platform.offline.graph import Resource


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    policy: str
    resource: str
    property: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.policy}: {self.resource}: {self.property}: {self.message} {self.mend}"


def violation(policy: str, resource: Resource, name: str, message: str, mend: str) -> Violation:
    """A violation at a property of a resource, which is named as people know it."""
    return Violation(
        policy=policy, resource=f"{resource.kind} {resource.name}", property=name, message=message, mend=mend
    )
