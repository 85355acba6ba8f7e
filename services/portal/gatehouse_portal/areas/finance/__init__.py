"""The books: bank files to import, lines to reconcile, months to close, and reports."""
