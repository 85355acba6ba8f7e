"""What coordinators say about introductions."""

import msgspec

from gatehouse_chassis.base.fields import Moment


class IntroductionTime(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the first talk is to be."""

    at: Moment
