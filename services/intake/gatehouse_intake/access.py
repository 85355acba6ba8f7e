"""Who sees and decides about those who come."""

COORDINATORS = ("coordinator", "staff")
