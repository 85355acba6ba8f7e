"""Ports of a local platform, as the catalog defines them; `--port-offset` is added to each."""

from gatehouse_catalog.rules import LOCAL_PORTS

EDGE_PORT = LOCAL_PORTS["edge"]  # what people open
POSTGRES_PORT = LOCAL_PORTS["postgres"]
