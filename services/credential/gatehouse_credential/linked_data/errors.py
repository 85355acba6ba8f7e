"""Why a document can't be read as linked data."""


class Unreadable(ValueError):
    """Something of it would not be signed, isn't JSON-LD, or isn't known here. The message says what, and where."""


class TooComplex(ValueError):
    """To bring it into a canonical order would take too long: nothing honest needs so much."""
