"""Signing in and out, the colours, and the home page, which is made of sections that other areas bring."""
