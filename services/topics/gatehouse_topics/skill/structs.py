"""What callers send and get about skills."""

from msgspec import Struct

from gatehouse_chassis.base.fields import Markdown, Word
from gatehouse_topics.row import Row


class SkillRow(Row, kw_only=True):
    pass


class SkillInList(SkillRow, kw_only=True):
    resource_count: int


class NewSkill(Struct, kw_only=True, forbid_unknown_fields=True):
    name: Word
    description: Markdown | None = None


class SkillChange(Struct, kw_only=True, forbid_unknown_fields=True):
    """The name stays: it is what resources refer to."""

    description: Markdown | None
