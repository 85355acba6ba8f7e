"""Deploying, with a real git remote and a small script in the place of `pulumi`: what it was given, and when it ran."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gatehouse_local.testing.waiting import until
from gatehouse_release.adapters.pulumi_up import Deployer
from gatehouse_release.git.checkout import Checkout
from gatehouse_release.git.repository import GitRepository
from gatehouse_release.ports import DeployFailed, NotConfigured, PortFailed
from gatehouse_release.testing.checkout import commit, with_remote, write

STACK = "stacks/Pulumi.test.yaml"
# Says of every update which stack file it saw, and does what `hook` says.
PULUMI = """#!/bin/sh
[ "$1" = install ] && exit 0
echo "$@" >> "$LOG/arguments"
cat stacks/Pulumi.test.yaml >> "$LOG/deployed"
[ -x "$LOG/hook" ] && exec "$LOG/hook"
exit 0
"""


@dataclass
class Place:
    """A checkout, its remote, and where the script writes."""

    checkout: Checkout
    remote: Path
    log: Path
    environ: Mapping[str, str]

    def deployer(self, clone: str = "clone", patience: float = 60) -> Deployer:
        repository = GitRepository(str(self.remote), self.log / clone)
        return Deployer(self.checkout.root, repository, self.environ, patience=patience, poll=0.02)

    def hook(self, script: str) -> None:
        """What the next updates do, once; the script may put itself back."""
        write(self.log / "hook", f'#!/bin/sh\nrm "$LOG/hook"\n{script}\n')
        (self.log / "hook").chmod(0o755)

    @property
    def head(self) -> str:
        return self.checkout.git("rev-parse", "HEAD")

    @property
    def deployed(self) -> list[str]:
        return (self.log / "deployed").read_text().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    checkout = Checkout(tmp_path / "checkout")
    write(checkout.root / STACK, "config: one\n")
    checkout.git("init", "--quiet", "--initial-branch", "main")
    for key, value in (("user.email", "sunita@example.org"), ("user.name", "Sunita Rao")):
        checkout.git("config", key, value)
    commit(checkout, "Begin")
    log = tmp_path / "log"
    write(log / "bin" / "pulumi", PULUMI)
    (log / "bin" / "pulumi").chmod(0o755)
    environ = {"PATH": f"{log / 'bin'}:/usr/local/bin:/usr/bin:/bin", "LOG": str(log), "HOME": str(tmp_path)}
    return Place(checkout, with_remote(checkout, tmp_path / "remote.git"), log, environ)


def test_it_deploys_main_and_asks_nobody(place: Place):
    place.deployer().deploy("test", place.head)
    assert place.deployed == ["config: one"]
    said = (place.log / "arguments").read_text().split()
    policies = ["--policy-pack", "platform/policy_pack"]
    assert said == [
        "up",
        "--stack",
        "test",
        "--refresh",
        "--yes",
        "--non-interactive",
        *policies,
        "--message",
        place.head,
    ]


def test_it_deploys_what_main_holds_not_what_lies_in_the_checkout(place: Place):
    write(place.checkout.root / STACK, "config: not committed\n")
    place.deployer().deploy("test", place.head)
    assert place.deployed == ["config: one"]
    assert (place.checkout.root / STACK).read_text() == "config: not committed\n"


def test_it_takes_what_main_has_by_now(place: Place, tmp_path: Path):
    """Somebody else pushed; this checkout doesn't know it yet, and needs no credentials to learn it."""
    before = place.head
    other = Checkout(tmp_path / "other")
    place.checkout.git("clone", "--quiet", str(place.remote), str(other.root))
    for key, value in (("user.email", "kofi@example.org"), ("user.name", "Kofi")):
        other.git("config", key, value)
    commit(other, "Promote", **{STACK: "config: two\n"})
    other.git("push", "--quiet", "origin", "main")
    place.checkout.git("remote", "remove", "origin")
    place.deployer().deploy("test", before)
    assert place.deployed == ["config: two"]


def test_main_has_the_last_word_if_it_goes_on_meanwhile(place: Place):
    root = place.checkout.root
    place.hook(f"cd '{root}' && echo 'config: two' > {STACK} && git commit -qam 'Promote' && git push -q origin main")
    place.deployer().deploy("test", place.head)
    assert place.deployed == ["config: one", "config: two"]


def test_another_environments_change_meanwhile_is_none_of_ours(place: Place):
    root = place.checkout.root
    place.hook(f"cd '{root}' && echo x > other && git add other && git commit -qm 'Write' && git push -q origin main")
    place.deployer().deploy("test", place.head)
    assert place.deployed == ["config: one"]


def test_it_waits_while_another_update_runs_elsewhere(place: Place):
    place.hook("echo 'error: the stack is currently locked by 1 lock(s)' >&2; exit 255")
    place.deployer().deploy("test", place.head)
    assert len(place.deployed) == 2


def test_a_stack_that_stays_locked_fails_in_the_end(place: Place):
    write(place.log / "bin" / "pulumi", "#!/bin/sh\n[ $1 = install ] || { echo '[409] Conflict'; exit 1; }\n")
    with pytest.raises(DeployFailed, match=r"409"):
        place.deployer(patience=1.0).deploy("test", place.head)


def test_a_failed_update_says_what_it_said_last(place: Place):
    place.hook("seq 100; echo 'error: no such image' >&2; exit 255")
    with pytest.raises(DeployFailed) as failed:
        place.deployer().deploy("test", place.head)
    said = str(failed.value)
    assert said.startswith("test: `pulumi up --stack test` ended with 255.")
    assert "error: no such image" in said
    assert "\n    61\n" not in said  # the last lines only
    assert "\n    62\n" in said


def test_an_update_that_takes_too_long_is_interrupted_so_that_it_frees_its_lock(place: Place):
    # Python, as a shell can't trap what was ignored when it began, as it is for jobs in the background.
    unlocks = "import signal as s; s.signal(s.SIGINT, lambda *_: exit(print('unlocked') or 130)); s.pause()"
    place.hook(f'exec /usr/bin/env python3 -c "{unlocks}"')
    with pytest.raises(DeployFailed, match=r"(?s)unlocked.*took too long and was interrupted"):
        place.deployer(patience=5.0).deploy("test", place.head)


def test_two_at_once_take_turns(place: Place):
    place.hook('touch "$LOG/begun"; sleep 0.5; echo end >> "$LOG/deployed"')
    first = threading.Thread(target=place.deployer("one").deploy, args=("test", place.head))
    first.start()
    until((place.log / "begun").exists, "the first update to begin")
    place.deployer("two").deploy("test", place.head)
    first.join(60)
    assert place.deployed == ["config: one", "end", "config: one"]


def test_a_main_that_lost_the_revision_is_not_deployed(place: Place):
    lost = commit(place.checkout, "Promote", **{STACK: "config: two\n"})
    with pytest.raises(PortFailed, match="forced main"):
        place.deployer().deploy("test", lost)


def test_a_machine_without_pulumi_says_so(place: Place):
    (place.log / "bin" / "pulumi").unlink()
    with pytest.raises(NotConfigured, match="pulumi isn't on PATH"):
        place.deployer().deploy("test", place.head)
