"""The last hour of every service's traffic, kept by the runner where no Prometheus runs."""
