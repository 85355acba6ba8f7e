"""The ports of a platform on this machine, as the catalog has them; `--port-offset` is added to each."""

from gatehouse_catalog.rules import LOCAL_PORTS

EDGE_PORT = LOCAL_PORTS["edge"]  # what people open
POSTGRES_PORT = LOCAL_PORTS["postgres"]
