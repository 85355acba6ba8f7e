"""`gate bench rehearsal_kills`: the rehearsal, killed at each of its steps, agrees with main after the next look.

A step is a line that a command says. What is killed is the command and all that it started, as when a laptop loses its
power; the runner of an environment is killed by itself. Nothing is put right by hand: the next command has to.

And a laptop that sleeps: everything is stopped in the middle of a promotion and goes on later, as if no time had
passed; and two who promote the same at once. Both end as one promotion.

Arguments choose steps, such as "deploying test", "asleep" or "two at once"; by default all are tried, which takes a
while.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from harness import Figure, show
from rehearsal import OFFSET, ROOT, SRE, TESTER, Story, environment, put_away
from ruamel.yaml import YAML

SEEDING = ("Making the remote", "Releasing it", "Building", "Promote to dev", "deploying dev", "running the black-box")
APPLYING = ("Promote to test", "deploying test", "running the black-box", "Verified in test")
RUNNER = "gatehouse_local.runner.runner"
LOOKED_AT = ("partner", "portal")
ASLEEP, TWO, RUNNER_KILLED = "asleep", "two at once", "a runner"
ASLEEP_SECONDS = 40.0  # more than any probe, request or heartbeat waits


def begun(story: Story, *words: str) -> "subprocess.Popen[str]":
    """A command in a session of its own, which says its steps as it takes them."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "gatehouse_local.gate", "--root", str(story.clone), *words],
        cwd=story.clone,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def killed_at(story: Story, step: str, *words: str) -> bool:
    """Starts a command and kills it when it says the step. False: it ended without."""
    process = begun(story, *words)
    assert process.stdout is not None
    for line in process.stdout:
        if step in line:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
    process.wait()
    return False


def agree(story: Story, place: str) -> bool:
    """Whether the last record is settled, and each service answers what main's stack file says."""
    shown = [
        "git",
        "-C",
        str(story.clone / ".gate" / "rehearsal" / "main.git"),
        "show",
        f"main:stacks/Pulumi.{place}.yaml",
    ]
    said = subprocess.run(shown, capture_output=True, text=True, check=True).stdout
    releases = YAML(typ="safe").load(said)["config"]["gatehouse:releases"]
    settled = story.log(place)[0]["state"] == "verified"
    return settled and all(story.digest(place, name) == releases[name]["digest"] for name in LOOKED_AT)


def is_chosen(step: str) -> bool:
    return not sys.argv[1:] or step in sys.argv[1:]


def chosen(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(step for step in steps if is_chosen(step))


def seeded(story: Story) -> list[str]:
    """`gate rehearse`, killed at each step and begun again."""
    words = ("rehearse", "--port-offset", str(OFFSET))
    killed = [step for step in chosen(SEEDING) if killed_at(story, step, *words)]
    story.gate(*words)
    return killed if agree(story, "dev") else []


def promoted(story: Story) -> list[str]:
    """A promotion to Test, killed at each step; the next look settles it. Then Test goes back, for the next one."""
    survived = []
    for step in chosen(APPLYING):
        killed = killed_at(story, step, "promote", "--as", TESTER, "apply", "test", "--domain", "partners", "--yes")
        story.promote(SRE, "resume")
        if killed and agree(story, "test") and story.digest("test", "partner") == story.digest("dev", "partner"):
            survived.append(step)
        taken_back(story)
    return survived


def taken_back(story: Story) -> None:
    """Test as it was before the promotion, for the next try."""
    story.promote(SRE, "rollback", "test", "--yes", "--reason", "for the next try")
    hold = next(one["id"] for one in story.log("test") if one["kind"] == "hold")
    story.promote(SRE, "lift", "test", "--record", hold, "--reason", "for the next try")


def slept(story: Story) -> bool:
    """All that runs is stopped while Test is deployed to, and goes on later. The next look finds it whole."""
    process = begun(story, "promote", "--as", TESTER, "apply", "test", "--domain", "partners", "--yes")
    assert process.stdout is not None
    for line in process.stdout:
        if "deploying test" in line:
            time.sleep(1.0)
            running = [*story.processes(), psutil.Process(process.pid)]
            everything = {one.pid: one for each in running for one in (each, *each.children(recursive=True))}
            for wanted in (signal.SIGSTOP, signal.SIGCONT):
                for pid in everything:
                    os.kill(pid, wanted)
                if wanted == signal.SIGSTOP:
                    time.sleep(ASLEEP_SECONDS)
    process.wait()
    story.promote(SRE, "resume")
    story.promote(TESTER, "verify", "test")
    same = story.digest("test", "partner") == story.digest("dev", "partner")
    whole = agree(story, "test") and same
    taken_back(story)
    return whole


def two_at_once(story: Story) -> bool:
    """Two promote the same at the same moment: one promotion comes of it, and nobody waits for ever."""
    before = promotions(story)
    words = ("apply", "test", "--domain", "partners", "--yes")
    both = [begun(story, "promote", "--as", who, *words) for who in (TESTER, SRE)]
    for one in both:
        one.communicate()
    story.promote(SRE, "resume")
    same = story.digest("test", "partner") == story.digest("dev", "partner")
    return agree(story, "test") and same and promotions(story) == before + 1


def promotions(story: Story) -> int:
    return sum(one["kind"] == "promotion" for one in story.log("test"))


def platform_killed(story: Story) -> bool:
    """Test's runner is killed; what it ran ends with it, and the next look starts it."""
    killed = 0
    for one in psutil.process_iter():
        try:
            words = one.cmdline()
            if RUNNER in words and f"{story.clone}/.gate/rehearsal/environments/test/" in words[-1]:
                one.kill()
                killed += 1
        except psutil.Error:
            continue
    story.promote(TESTER, "verify", "test")
    return killed == 1 and agree(story, "test")


def told(story: Story) -> list[Figure]:
    seeding, applying = seeded(story), promoted(story)
    at, of = len(chosen(SEEDING)), len(chosen(APPLYING))
    figures = [
        Figure("gate rehearse killed at its steps", str(len(seeding)), str(at), len(seeding) == at),
        Figure("a promotion killed at its steps", str(len(applying)), str(of), len(applying) == of),
    ]
    for name, what in ((ASLEEP, slept), (TWO, two_at_once), (RUNNER_KILLED, platform_killed)):
        if is_chosen(name):
            well = what(story)
            figures.append(Figure(name, "agrees" if well else "differs", "agrees", well))
    story.gate("rehearse", "stop")
    left = story.processes()
    return [*figures, Figure("processes after stop", str(len(left)), "0", not left)]


def main() -> None:
    scratch = Path(tempfile.mkdtemp(prefix="gate-kills-"))
    story = Story(scratch / "gatehouse")
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(story.clone)], check=True)
        show("Rehearsal, killed: where we stand", told(story))
    finally:
        put_away(story)


if __name__ == "__main__":
    main()
