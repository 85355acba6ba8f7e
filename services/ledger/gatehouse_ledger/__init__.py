"""The books of the institute: accounts, funds, journal entries that balance, months that are closed, and reports.

It prepares what a tax return needs; it files nothing, and pays nobody.
"""
