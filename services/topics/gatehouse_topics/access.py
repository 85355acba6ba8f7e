"""Who changes the content: those who look after members. Anyone signed in reads it."""

from gatehouse_chassis.http.guards import allow

editors = allow("mentor", "coordinator", "staff")
