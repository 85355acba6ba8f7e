"""Whom the institute works with: partners, their people, and what was agreed with them."""
