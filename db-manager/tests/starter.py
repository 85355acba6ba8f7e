"""Starts `gate db` as often as it is told, each time in a process of its own: forked, so that fifty cost one import.

Reads JSON lines: {"words": [...], "output": file} answers with a process id, {"wait": id} with its exit code,
{"look": id} with the same or, while it runs, with null.
"""

import json
import os
import sys
import traceback
from typing import NoReturn

from gatehouse_db_manager import api
from gatehouse_db_manager.cli import show
from gatehouse_db_manager.cli.commands import db
from gatehouse_db_manager.config import load

LOADED = (api, load, show)


def run(words: list[str], output: str) -> NoReturn:
    code = 1
    try:
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        db.main(words, prog_name="gate db")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


for line in sys.stdin:
    told = json.loads(line)
    if "words" in told:
        answer = os.fork()
        if answer == 0:
            run(told["words"], told["output"])
    elif "wait" in told:
        answer = os.waitstatus_to_exitcode(os.waitpid(told["wait"], 0)[1])
    else:
        process, status = os.waitpid(told["look"], os.WNOHANG)
        answer = os.waitstatus_to_exitcode(status) if process else None
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()
