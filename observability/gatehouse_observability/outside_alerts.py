"""Alerts on what a service can't say of itself: nobody reaches it, everybody is refused, nothing is known of it.

One fault, one page. What is seen from outside is told only where no page names a cause: a page of a service that is
away, has lost its database or answers hardly anything says more. Whichever was told first stays the only one, so that a
fault which shows itself twice (the probe fails, and then the error budget burns) doesn't wake anybody twice.
"""

from collections.abc import Iterator

from gatehouse_observability.rules import Alert

PLATFORM = "platform"  # the owner of what belongs to no domain
# Services' targets. The probe's has no such label: it is none of them.
SCRAPED = 'up{service!=""}'
# Excludes the balancer's probes, our own scrapes, and the poll of each service that follows events: those come every
# second, whether or not anybody uses the institute.
USERS = 'route!~"/health/.*|/metrics|/events"'
LEAST_RATE = 0.05  # requests a second: below it a share or a comparison says nothing
# What callers are refused with, but for pages that don't exist: scanners ask for those all day.
REFUSED = "400|401|403|406|409|41.|42."
# With a page of their own, which names the service.
CAUSES = "ServiceDown|ServiceUnscraped|DatabaseUnreachable|NothingScraped"
BURNING = "(Availability|Latency)Burns(Fast)?"
CERTIFICATE_DAYS = 21  # ACM renews 60 days before the end
LONGEST_UNARCHIVED = 3600  # seconds; RDS archives every five minutes


def firing(names: str) -> str:
    """The alerts whose names match, while they fire."""
    return f'ALERTS{{alertname=~"{names}",alertstate="firing"}}'


def alerts() -> Iterator[Alert]:
    yield _probe()
    yield Alert(
        alert="ProbeSilent",
        expr=f"absent(gatehouse_probe_success) and on () count({SCRAPED}) > 0",
        wait="15m",
        severity="ticket",
        owner=PLATFORM,
        summary="No visit from outside is reported: an outage that services don't notice would go unseen",
        runbook="probe-silent",
    )
    yield Alert(
        alert="NothingScraped",
        expr=f"absent({SCRAPED})",
        wait="5m",
        severity="page",
        owner=PLATFORM,
        summary="No service is scraped: the collector is away, and no other alert can fire",
        runbook="nothing-scraped",
    )
    yield from _traffic()
    yield Alert(
        alert="CertificateExpires",
        expr=f"min by (address) (gatehouse_probe_certificate_expiry_seconds) - time() < {CERTIFICATE_DAYS} * 86400",
        wait="1h",
        severity="ticket",
        owner=PLATFORM,
        summary="The certificate of {{ $labels.address }} ends in {{ $value | humanizeDuration }}, and isn't renewed",
        runbook="certificate-expires",
    )
    # No service's, as TransactionOpen: all see the same archiver.
    yield Alert(
        alert="BackupLate",
        expr=f"max(gatehouse_db_archive_age_seconds) > {LONGEST_UNARCHIVED}",
        wait="30m",
        severity="ticket",
        owner=PLATFORM,
        summary="PostgreSQL's log was last archived {{ $value | humanizeDuration }} ago: later changes have no backup",
        runbook="backup-late",
    )


def _probe() -> Alert:
    # Only a burn that explains it: most answers of a service fail, or are late. A slow one may last for hours.
    explained = f"service:sli_error:ratio_rate5m > 0.5 and on (service) {firing(BURNING)}"
    causes = [
        f"max by (service) ({SCRAPED}) == 0",
        "max by (service) (gatehouse_database_up) == 0",
        f"max_over_time({firing(CAUSES)}[5m])",
        f"(({explained}) or {firing('RequestsRefused')}) unless on () {firing('ProbeFailing')}",
    ]
    return Alert(
        alert="ProbeFailing",
        expr="max by (address) (gatehouse_probe_success) == 0\nunless on () (\n" + "\nor ".join(causes) + "\n)",
        wait="3m",
        severity="page",
        owner=PLATFORM,
        summary="Nobody can use {{ $labels.address }}: signing in, or reading a page, fails from outside",
        runbook="probe-failing",
    )


def _traffic() -> Iterator[Alert]:
    requests = f"gatehouse_http_requests_total{{{USERS}"

    def rate(ago: str = "") -> str:
        return f"sum by (service) (rate({requests}}}[1h]{ago}))"

    # Both days, so that neither a weekend nor a single busy day is the measure.
    usual = " and ".join(f"{rate()} < 0.05 * ({rate(f' offset {ago}')} > {LEAST_RATE})" for ago in ("1d", "1w"))
    yield Alert(
        alert="TrafficGone",
        expr=f"({usual}) and on (service) max by (service) (up) == 1\n{_unless_told('TrafficGone')}",
        wait="15m",
        severity="page",
        owner=PLATFORM,
        summary="{{ $labels.service }} gets less than a twentieth of its usual requests: users don't reach it",
        runbook="traffic-gone",
    )
    every = f"sum by (service) (rate({requests}}}[10m]))"
    others = f'sum by (service) (rate({requests},status!~"{REFUSED}"}}[10m]))'
    yield Alert(
        alert="RequestsRefused",
        expr=f"1 - ({others} or {every} * 0) / ({every} > {LEAST_RATE}) > 0.5\n{_unless_told('RequestsRefused')}",
        wait="10m",
        severity="page",
        owner=PLATFORM,
        summary="{{ $labels.service }} refuses {{ $value | humanizePercentage }} of its requests with a 4xx",
        runbook="requests-refused",
    )


def _unless_told(name: str) -> str:
    """These two come last, after ten minutes and more: any other page is of the same fault, or keeps somebody busy."""
    return f'unless on () ALERTS{{severity="page",alertstate="firing",alertname!="{name}"}}'
