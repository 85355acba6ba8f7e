"""The roles that decide what callers see and change of the people."""

STAFF = ("coordinator", "staff")
MENTOR = "mentor"
