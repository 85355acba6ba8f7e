"""The tables of the schema `topics`, as database/collections describes them."""

from piccolo.columns import UUID, Array, Integer, Text, Timestamptz
from piccolo.table import Table

from gatehouse_chassis.data.database import Database
from gatehouse_chassis.data.tables import Tracked

DB = Database("topics")


class Resource(Tracked, Table, db=DB, tablename="resource", schema="topics"):
    number = Integer()
    name = Text()
    sort_name = Text()
    url = Text()
    description = Text(null=True)
    kind = Text()
    cost = Text()
    level = Text()
    level_rank = Integer()
    interests = Array(Text())
    technologies = Array(Text())
    length_words = Integer(null=True)
    length_minutes = Integer(null=True)
    length_pages = Integer(null=True)
    length_source = Text(null=True)
    link_status = Text()
    archived_at = Timestamptz(null=True, default=None)


class LinkCheck(Table, db=DB, tablename="link_check", schema="topics"):
    id = UUID(primary_key=True, default=None)
    resource_id = UUID()
    url = Text()
    checked_at = Timestamptz()
    result = Text()
    http_status = Integer(null=True)
    final_url = Text(null=True)
    milliseconds = Integer(null=True)
    note = Text(null=True)
    recorded_at = Timestamptz()
    recorded_by = UUID(null=True, default=None)
    recorded_request = Text(null=True)
    withdrawn_at = Timestamptz(null=True, default=None)
    withdrawn_by = UUID(null=True, default=None)


class Skill(Tracked, Table, db=DB, tablename="skill", schema="topics"):
    name = Text()
    sort_name = Text()
    description = Text(null=True)
    archived_at = Timestamptz(null=True, default=None)


class Topic(Tracked, Table, db=DB, tablename="topic", schema="topics"):
    name = Text()
    sort_name = Text()
    description = Text(null=True)
    archived_at = Timestamptz(null=True, default=None)


# Of a key of several columns Piccolo knows the first; it uses none of them here.
class TopicResource(Table, db=DB, tablename="topic_resource", schema="topics"):
    topic_id = UUID(primary_key=True)
    resource_id = UUID()
    position = Integer()


class Path(Tracked, Table, db=DB, tablename="path", schema="topics"):
    name = Text()
    sort_name = Text()
    description = Text(null=True)
    interests = Array(Text())
    archived_at = Timestamptz(null=True, default=None)


class PathModule(Table, db=DB, tablename="path_module", schema="topics"):
    id = UUID(primary_key=True, default=None)
    path_id = UUID()
    position = Integer()
    name = Text()


class PathTopic(Table, db=DB, tablename="path_topic", schema="topics"):
    module_id = UUID(primary_key=True)
    topic_id = UUID()
    position = Integer()


class Rating(Tracked, Table, db=DB, tablename="rating", schema="topics"):
    resource_id = UUID()
    person_id = UUID()
    stars = Integer()
    note = Text(null=True)
    line = Text(null=True)
