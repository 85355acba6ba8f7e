"""Leaves out what libraries import only because it happens to be installed, and no service uses: 13 MB of a process.

Litestar loads pydantic and attrs, structlog and httpx load rich, uvicorn loads watchfiles; a service's image has few of
them, a checkout has all. Each of these libraries goes on without.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager

UNUSED = ("attr", "attrs", "pydantic", "rich", "watchfiles")


@contextmanager
def left_out() -> Generator[None]:
    """Within it, importing one of them fails as if it weren't installed, unless somebody has imported it already.

    Afterwards they can be imported by code that does use one: the portal's release preview uses rich.
    """
    new = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(new))  # ty: ignore[no-matching-overload]
    try:
        yield
    finally:
        for name in new:
            sys.modules.pop(name, None)
