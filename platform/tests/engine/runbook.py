"""Reads the commands of a runbook, in their order, and runs them as they are written, line by line in one shell.

A step is a line of a block of bash, or a command in the text that has an option. Names in capitals are set as the page
says; what a person does between two commands is a function, by the command before which it happens.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "runbooks"
CODE = re.compile(r"```bash\n(?P<block>.*?)```|`(?P<inline>(?:aws|gate|pulumi) [^`\n]* -[^`\n]+)`", re.DOTALL)
EXECUTED = ("bootstrap", "first-up", "scale", "rotate", "upgrade-postgresql", "drift", "restore", "tear-down")
PATIENCE = 900
# How many words at most name a command of these programs.
MOST_SUBCOMMANDS = {"aws": 3, "gate": 3, "pulumi": 3, "uv": 2}


def steps(name: str) -> list[str]:
    """Every command of a runbook, in the order in which it stands there."""
    found = []
    for match in CODE.finditer((FOLDER / f"{name}.md").read_text(encoding="utf-8")):
        found += match["block"].splitlines() if match["block"] else [match["inline"]]
    return [line.strip() for line in found if line.strip()]


def misspellings(line: str) -> Iterator[str]:
    """The command with one of its words misspelt: the program, its subcommands and its options, one after the other."""
    words = shlex.split(line)
    named = True
    for number, word in enumerate(words):
        option = re.fullmatch(r"--?[A-Za-z][a-z-]*", word) is not None
        named = (
            named and re.fullmatch(r"[a-z][a-z0-9-]*", word) is not None and number < MOST_SUBCOMMANDS.get(words[0], 0)
        )
        if number == 0 or option or named:
            wrong = "-Z" if re.fullmatch(r"-\w", word) else f"{word}q"
            yield shlex.join([*words[:number], wrong, *words[number + 1 :]])


@dataclass
class Shell:
    """A shell's state: folder, environment, and what the commands printed."""

    folder: Path
    environ: dict[str, str]
    printed: dict[str, str] = field(default_factory=dict)

    def follow(
        self,
        name: str,
        values: Mapping[str, str] | None = None,
        *,
        before: Mapping[str, Callable[[], None]] | None = None,
        later: Mapping[str, Callable[[], str]] | None = None,
    ) -> None:
        """Runs every command of a runbook. Fails at the first that fails, and if a name of `before` isn't met.

        `later`: names whose values an earlier command of the runbook prints.
        """
        waiting = dict(before or {})
        for line in steps(name):
            for start in [each for each in waiting if line.startswith(each)]:
                waiting.pop(start)()
            for word, value in {**(values or {}), **dict.fromkeys(later or {}, "")}.items():
                if word in line:
                    line = line.replace(word, value or (later or {})[word]())  # noqa: PLW2901
            self.run(line)
        assert waiting == {}, f"{name}.md has no command that starts with: {', '.join(waiting)}"

    def run(self, line: str) -> str:
        exported = self.folder.parent / "exported"
        # Nobody is there to confirm; but a refresh that only shows refuses even the hint that somebody might.
        hidden = {"PULUMI_SKIP_CONFIRMATIONS"} if "--preview-only" in line else set()
        script = f"set -euo pipefail\n{line}\nexport -p > {shlex.quote(str(exported))}"
        done = subprocess.run(
            ["/bin/bash", "-c", script],
            cwd=self.folder,
            env={key: value for key, value in self.environ.items() if key not in hidden},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout[-5000:]}"
        kept = {key: value for key, value in self.environ.items() if key == "PATH" or key in hidden}
        self.environ = {**_exported(exported.read_text()), **kept}
        self.printed[line] = done.stdout
        return done.stdout


def _exported(text: str) -> dict[str, str]:
    """The variables of `export -p`: `declare -x NAME="value"`."""
    found = {}
    for words in (shlex.split(line) for line in text.splitlines() if line.startswith("declare -x ")):
        name, equals, value = words[2].partition("=")
        if equals and name not in {"OLDPWD", "PWD", "SHLVL", "_"}:
            found[name] = value
    return found


def tool(folder: Path, name: str, *command: str) -> None:
    """A program on PATH that is another command."""
    file = folder / name
    file.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    file.chmod(0o755)


def path(*folders: Path) -> str:
    return os.pathsep.join([*(str(folder) for folder in folders), "/usr/local/bin", "/usr/bin", "/bin"])
