"""Who sees and changes what of mails."""

WRITERS = ("marketing", "staff")
"""Who publishes the words of mails."""
SENDERS = ("coordinator", "staff")
"""Who sees what became of mails, and decides about those that didn't arrive."""
DONOR_SENDERS = ("finance",)
"""The same of mails to donors: only finance sees who gave."""
