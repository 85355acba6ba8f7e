"""The routes, a file for each aggregate. Anyone signed in reads; those who look after members change."""

from gatehouse_chassis.http.guards import allow

editors = allow("mentor", "coordinator", "staff")
