"""The portal keeps nothing but sessions; see queries.py for what is asked of them."""

from gatehouse_chassis.data.database import Database

DB = Database("portal")
