"""What makes a topic or path sound, and how the lines of a path become its tree. Knows no HTTP and no SQL."""

import difflib
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from gatehouse_chassis.base.problems import Invalid
from gatehouse_topics.structs import Branch, ModulePlan, PathModule, PathTopic, ResourceInOrder


def check_order(field: str, ids: Sequence[UUID], there: Collection[UUID], noun: str) -> None:
    """Raises Invalid naming each place of a list where an id stands a second time or isn't one of those there."""
    problems = {}
    first: dict[UUID, int] = {}
    for place, id in enumerate(ids):
        if first.setdefault(id, place) != place:
            problems[f"{field}.{place}"] = f"is the same {noun} as {field}.{first[id]}; name it once"
        elif id not in there:
            problems[f"{field}.{place}"] = f"there is no {noun} {id}, or it is archived"
    if problems:
        raise Invalid(problems)


def check_modules(modules: Sequence[ModulePlan], there: Collection[UUID], own: Collection[UUID]) -> None:
    """`there`: the topics that exist; `own`: the modules that the path has. Raises Invalid naming what is wrong."""
    kept = [module.id for module in modules if module.id is not UNSET]
    for place, module in enumerate(modules):
        check_order(f"modules.{place}.topics", module.topics, there, "topic")
        if module.id is not UNSET and (module.id not in own or kept.count(module.id) > 1):
            raise Invalid({f"modules.{place}.id": "isn't a module of this path, or is named twice; leave it out"})


def check_skills(given: Iterable[str], known: Collection[str]) -> None:
    """Raises Invalid naming the technologies that no skill stands for, with the nearest that one does."""
    unknown = [name for name in given if name not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {near[0]}?" if near else "add it to the skills first"
        raise Invalid({"technologies": f"there is no skill {unknown[0]!r}; {hint}"})


def once_each(words: Iterable[str]) -> list[str]:
    """Without repeats, in the order given."""
    return list(dict.fromkeys(words))


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
