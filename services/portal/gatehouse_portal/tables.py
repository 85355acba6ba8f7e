"""The portal keeps nothing but sessions; their queries are in shell/session_queries.py."""

from gatehouse_chassis.data.database import Database

DB = Database("portal")
