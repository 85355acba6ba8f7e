"""Certificates: proposing and confirming them, what a member has, and pages on which anybody checks one."""
