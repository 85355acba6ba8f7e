"""Curricula: what a member has completed, learns now, and learns next and later."""
