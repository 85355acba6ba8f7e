"""The ports of a platform on this machine; `--port-offset` is added to each."""

EDGE_PORT = 8400  # what people open
FIRST_SERVICE_PORT = 8401
POSTGRES_PORT = 8432
