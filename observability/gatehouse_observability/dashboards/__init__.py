"""The dashboards of the platform. A panel is here only when its metric exists.

None names a service: what differs between services is in series (as service:objective:ratio), so that a new service
appears on every dashboard without a change.
"""

from gatehouse_observability.dashboards.capacity import capacity
from gatehouse_observability.dashboards.database import database
from gatehouse_observability.dashboards.overview import overview
from gatehouse_observability.dashboards.releases import delivery, releases
from gatehouse_observability.dashboards.service import one_service
from gatehouse_observability.panels import Dashboard


def dashboards() -> list[Dashboard]:
    return [overview(), one_service(), database(), releases(), delivery(), capacity()]
