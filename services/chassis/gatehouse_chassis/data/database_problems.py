"""What the database makes a request end with; each is a 503 with Retry-After."""

from gatehouse_chassis.base.problems import Unavailable


class Busy(Unavailable):
    """503: every connection was taken for too long, or a lock or statement took too long. Trying again may work."""

    slug = "busy"
    title = "The database is busy"


class Unreachable(Unavailable):
    """503: no connection to PostgreSQL can be made."""

    slug = "database-unreachable"
    title = "The database can't be reached"


class ChangesRefused(Unavailable):
    """503: PostgreSQL can't take changes: its disk is full, it has no memory, or it only reads (a failover)."""

    slug = "database-takes-no-changes"
    title = "The database takes no changes"


class ConnectionLost(Unavailable):
    """503: the connection ended while a statement or a commit ran, so nobody knows whether a change was made."""

    slug = "database-connection-lost"
    title = "The connection to the database was lost"
