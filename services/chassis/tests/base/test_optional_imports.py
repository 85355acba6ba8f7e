"""What libraries load only because it happens to be installed stays out of a service's process."""

import subprocess
import sys

STARTED = """
import sys
import gatehouse_chassis.serve
from gatehouse_chassis.base.optional_imports import UNUSED, left_out
from litestar import Litestar, get
@get("/", sync_to_thread=False)
def nothing() -> None: ...
with left_out():
    Litestar([nothing])
loaded = [name for name in UNUSED if name in sys.modules]
assert not loaded, loaded
import rich, pydantic
"""


def test_they_stay_out_while_a_service_starts_and_can_be_imported_afterwards():
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
