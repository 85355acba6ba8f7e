"""Whether the modules of a path are valid, and how its rows become a tree. Pure functions: no database, no HTTP."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.order import check_order
from gatehouse_topics.path.structs import Branch, ModulePlan, PathModule, PathTopic
from gatehouse_topics.resource.structs import ResourceInOrder


def check_modules(modules: Sequence[ModulePlan], there: Collection[UUID], own: Collection[UUID]) -> None:
    """`there`: the topics that exist; `own`: the modules that the path has. Raises Invalid naming what is wrong."""
    kept = [module.id for module in modules if module.id is not UNSET]
    for place, module in enumerate(modules):
        check_order(f"modules.{place}.topics", module.topics, there, "topic")
        if module.id is not UNSET and (module.id not in own or kept.count(module.id) > 1):
            raise Invalid({f"modules.{place}.id": "isn't a module of this path, or is named twice; leave it out"})


def tree(branches: Iterable[Branch]) -> list[PathModule]:
    """Lines in order of module, topic and resource, folded. A module or topic without any is there, and empty."""
    modules: list[PathModule] = []
    for branch in branches:
        if not modules or modules[-1].id != branch.module_id:
            modules.append(PathModule(id=branch.module_id, name=branch.module_name, topics=[]))
        topics = modules[-1].topics
        if branch.topic_id is None:
            continue
        if not topics or topics[-1].id != branch.topic_id:
            topics.append(PathTopic(id=branch.topic_id, name=branch.topic_name or "", resources=[]))
        if branch.id is not None:
            topics[-1].resources.append(msgspec.convert(branch, ResourceInOrder, from_attributes=True))
    return modules
