"""The command palette: pages, people, resources and actions by their name; without JavaScript a search page."""
