"""Tests wait for what is to come, and fail when it does not."""

import time
from functools import partial

import pytest

from chassis.testing.waiting import wait_until


def test_the_answer_that_is_true_is_returned() -> None:
    answers = iter([None, 0, "", "there"])
    assert wait_until(lambda: next(answers), pause=0) == "there"
    assert list(answers) == []


def test_another_answer_may_be_the_wanted_one() -> None:
    answers = iter([3, 2, 1, 0])
    assert wait_until(lambda: next(answers), so=lambda left: left == 0, pause=0) == 0


def test_when_the_time_is_over_it_says_what_did_not_come_and_what_the_last_answer_was() -> None:
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"waited 0\.1 s for wait_until\(lambda: 0, 0\.1\); last answer: 0$"):
        wait_until(lambda: 0, 0.1)
    assert time.monotonic() - began >= 0.1
    with pytest.raises(AssertionError, match=r"for two letters; last answer: 1$"):
        wait_until(lambda: 1, 0, so=lambda count: count == 2, what="two letters")
    with pytest.raises(AssertionError, match=r"for functools\.partial\(<class 'int'>, 0\); last answer: 0$"):
        wait_until(partial(int, 0), 0)


def test_what_is_so_at_once_is_not_waited_for() -> None:
    began = time.monotonic()
    assert wait_until(lambda: True, 0, pause=60)
    assert time.monotonic() - began < 60


def test_a_question_that_fails_ends_the_wait() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0)
