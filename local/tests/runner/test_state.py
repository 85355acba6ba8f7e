import pytest

from gatehouse_local.runner.state import (
    Backoff,
    Broke,
    Crashed,
    Finished,
    ImpossibleEvent,
    NotReady,
    Ready,
    ReloadBegan,
    Reloaded,
    ReloadFailed,
    ResourceHealth,
    ResourceSnapshot,
    ResourceState,
    Started,
    StopAsked,
    Stopped,
    advance,
)


def after(*events, kind="api", now=100.0) -> ResourceSnapshot:
    resource = ResourceSnapshot(name="person", kind=kind, port=8402)
    for event in events:
        resource = advance(resource, event, now)
    return resource


def test_a_service_waits_starts_and_runs():
    assert after().state is ResourceState.WAITING
    assert after(Started(7)).state is ResourceState.STARTING
    assert not after(Started(7)).well
    running = after(Started(7), Ready())
    assert (running.state, running.health, running.pid, running.well) == (
        ResourceState.RUNNING,
        ResourceHealth.HEALTHY,
        7,
        True,
    )


def test_uptime_counts_from_the_start_of_its_process():
    assert after(Started(7), Ready(), now=100.0).status(now=103.25).uptime_seconds == 3.2
    assert after().status(now=103.0).uptime_seconds is None


def test_a_crash_is_counted_and_keeps_its_reason():
    crashed = after(Started(7), Ready(), Crashed("it exited with code 3"))
    assert (crashed.state, crashed.restarts, crashed.pid) == (ResourceState.RESTARTING, 1, None)
    assert crashed.last_error == "it exited with code 3"
    again = advance(advance(crashed, Started(8), 101.0), Ready(), 102.0)
    assert (again.restarts, again.last_error, again.well) == (1, None, True)


def test_a_service_that_is_not_ready_runs_but_is_not_well():
    resource = after(Started(7), Ready(), NotReady("not ready: database"))
    assert (resource.state, resource.well) == (ResourceState.RUNNING, False)
    recovered = advance(resource, Ready(), 101.0)
    assert (recovered.well, recovered.last_error) == (True, None)


def test_a_reload_keeps_the_old_process_until_the_new_one_is_ready():
    reloading = after(Started(7), Ready(), ReloadBegan())
    assert (reloading.pid, reloading.well) == (7, True)
    assert advance(reloading, Reloaded(8), 101.0).pid == 8
    failed = advance(reloading, ReloadFailed("a typo"), 101.0)
    assert (failed.pid, failed.well, failed.last_error) == (7, True, "a typo")


def test_a_task_is_well_when_it_is_done():
    assert after(Started(7), Finished(), kind="task").well
    broken = after(Started(7), Broke("it exited with code 1"), kind="task")
    assert (broken.state, broken.well) == (ResourceState.FAILED, False)
    assert advance(broken, Started(8), 101.0).state is ResourceState.STARTING


def test_what_is_stopped_has_no_process():
    assert after(Started(7), Ready(), StopAsked(), Stopped()).pid is None


@pytest.mark.parametrize("event", [Ready(), Crashed("?"), Reloaded(9), Stopped()])
def test_an_impossible_event_is_a_fault(event):
    with pytest.raises(ImpossibleEvent, match=f"person: {type(event).__name__} can't happen while waiting"):
        after(event)


def test_pauses_double_up_to_ten_seconds():
    backoff = Backoff()
    assert [backoff.pause(0.0) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_pauses_begin_anew_after_a_calm_half_minute():
    backoff = Backoff()
    backoff.pause(0.0)
    assert backoff.pause(29.0) == 0.4
    assert backoff.pause(30.0) == 0.2
