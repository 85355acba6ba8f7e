"""Compiles the tests once per run, not once per worker: each begins at another file and leaves out what is compiled.

In a fresh clone four workers else rewrite and compile every test module each, 12 s of processor a worker.
"""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.assertion import rewrite


def compile_share(config: pytest.Config) -> None:
    """In a worker of pytest-xdist: writes the bytecode of test modules that have none. pytest writes what is left out,
    or outdated, when it imports it.
    """
    words = getattr(config, "workerinput", None)
    state = config.stash.get(rewrite.assertstate_key, None)
    if words is None or state is None or sys.dont_write_bytecode:
        return
    files = sorted(_test_modules(config))
    first = len(files) * int(words["workerid"].removeprefix("gw")) // words["workercount"]
    for file in files[first:] + files[:first]:
        compiled = rewrite.get_cache_dir(file) / (file.name.removesuffix(".py") + rewrite.PYC_TAIL)
        if compiled.exists() or not rewrite.try_makedirs(compiled.parent):
            continue
        with contextlib.suppress(SyntaxError, ValueError, OSError):  # its import says so, as the test's own failure
            source_hash, code = rewrite._rewrite_test(file, config)
            rewrite._write_pyc(state, code, source_hash, compiled)


def _test_modules(config: pytest.Config) -> Iterator[Path]:
    for folder in config.args:
        for file in Path(config.invocation_params.dir, folder.partition("::")[0]).rglob("test_*.py"):
            if not any(part.startswith(".") for part in file.relative_to(config.rootpath).parts):
                yield file
