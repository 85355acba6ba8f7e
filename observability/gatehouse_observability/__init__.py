"""Rules, dashboards and collector configuration, generated from the catalog."""
