"""When a set that an environment's source has may come in: after its soak, in the next window. Pure."""

from datetime import datetime, timedelta

from gatehouse_release.policy import DAYS
from gatehouse_release.rules import is_open
from gatehouse_release.state import RepositoryState

LONGEST_DAYS = 8  # a policy's windows repeat each week


def next_window(state: RepositoryState, environment: str, now: datetime) -> datetime | None:
    """The first minute, from `now` on, at which neither soak nor window keep the source's present set out.

    None: the source's set isn't verified, so that its soak hasn't begun; or there is no such minute within eight days.
    """
    edge = state.policy.edges[environment]
    moment = now
    if edge.soak_hours:
        since = state.good_since(edge.source)
        if since is None:
            return None
        moment = max(now, since + timedelta(hours=edge.soak_hours))
    last = moment + timedelta(days=LONGEST_DAYS)
    while moment <= last:
        local = moment.astimezone(state.policy.zone)
        if not edge.windows or any(is_open(one, local) for one in edge.windows):
            return moment
        today = any(DAYS[local.weekday()] in one.days for one in edge.windows)
        step = timedelta(minutes=1 if today else 60 - local.minute)
        moment = moment.replace(second=0, microsecond=0) + step
    return None
