"""What a pull request and a merge cost is computed from the workflows, and stays within its limits."""

from pathlib import Path

import pytest

from gatehouse_catalog import find_root
from gatehouse_ci.affected.runner_minutes import (
    ASSUMED,
    FOLDER,
    MERGE,
    PULL_REQUEST,
    JobMinutes,
    UnknownStep,
    minutes,
    total,
)

ROOT = find_root(Path(__file__))
# Of the 13 services that the institute plans: one changed, or the chassis and so all.
ONE, ALL = 1, 13


def test_a_merge_of_one_service_costs_at_most_12_runner_minutes():
    assert 0 < total(minutes(ROOT, MERGE, ONE)) <= 12


def test_a_merge_of_the_chassis_costs_at_most_45():
    assert 0 < total(minutes(ROOT, MERGE, ALL)) <= 45


def test_a_pull_request_costs_no_more_than_twice_its_merge():
    assert 0 < total(minutes(ROOT, PULL_REQUEST, ONE)) <= 24
    assert 0 < total(minutes(ROOT, PULL_REQUEST, ALL)) <= 45


def workflow(root: Path, text: str) -> Path:
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    (root / FOLDER / MERGE).write_text(text)
    return root


def test_each_job_of_a_matrix_is_billed_by_itself_and_rounded_up(tmp_path: Path):
    steps = "steps: [{run: ./local/gate affected}]"
    matrices = ("architecture: [a, b]", "${{ x }}")
    two = f"strategy: {{matrix: {{{matrices[0]}}}}}, {steps}"
    each = f'strategy: {{matrix: "{matrices[1]}"}}, {steps}'
    root = workflow(tmp_path, f"jobs: {{one: {{{steps}}}, two: {{{two}}}, each: {{{each}}}}}")
    assert minutes(root, MERGE, 3) == (JobMinutes("one", 1, 1), JobMinutes("two", 2, 2), JobMinutes("each", 3, 3))


def test_what_a_condition_leaves_out_costs_nothing(tmp_path: Path):
    job = "{if: \"needs.image.outputs.build == 'true'\", steps: [{run: ./local/gate image build x}]}"
    root = workflow(tmp_path, f"jobs: {{image: {job}}}")
    assert minutes(root, MERGE, 0, deploy=False) == ()
    assert total(minutes(root, MERGE, 1)) == 2


def test_a_step_that_nobody_assumed_is_not_free(tmp_path: Path):
    root = workflow(tmp_path, "jobs: {one: {steps: [{run: ./local/gate newcomer}]}}")
    with pytest.raises(UnknownStep, match=r"./local/gate newcomer: nobody assumed how long it takes"):
        minutes(root, MERGE, 1)


def test_every_assumption_says_where_it_is_from():
    assert [key for key, time in ASSUMED.items() if not time.why] == []
