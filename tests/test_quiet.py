"""Warnings are silenced in the thread that asks, and in no other."""

from __future__ import annotations

import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from glacial_lakes.runtime.quiet import quiet


def heard(category: type[Warning] = RuntimeWarning) -> int:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with ExitStack() as stack:
            stack.enter_context(quiet(RuntimeWarning))
            warnings.warn("inside", category, stacklevel=1)
        warnings.warn("outside", category, stacklevel=1)
    return len(told)


def test_a_block_is_quiet_and_what_follows_is_not() -> None:
    assert heard() == 1
    assert heard(UserWarning) == 2


def test_other_threads_are_heard_meanwhile() -> None:
    inside, told = threading.Event(), threading.Event()

    def read() -> None:
        with quiet(RuntimeWarning):
            inside.set()
            assert told.wait(10)
            warnings.warn("of the reader", RuntimeWarning, stacklevel=1)

    with ThreadPoolExecutor(1) as pool, pytest.warns(RuntimeWarning, match="mine") as found:
        done = pool.submit(read)
        assert inside.wait(10)
        warnings.warn("mine", RuntimeWarning, stacklevel=1)
        told.set()
        done.result()
    assert len(found) == 1


def test_threads_that_leave_in_any_order_leave_no_filters_to_others() -> None:
    with quiet(RuntimeWarning):
        pass  # its filter stays
    before = list(warnings.filters)
    turns = [threading.Event() for _ in range(3)]

    def first() -> None:
        with quiet(RuntimeWarning):
            turns[0].set()
            assert turns[1].wait(10)
        turns[2].set()

    def second() -> None:
        assert turns[0].wait(10)
        with quiet(RuntimeWarning):
            turns[1].set()
            assert turns[2].wait(10)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(first), pool.submit(second)]:
            done.result()
    assert warnings.filters == before
    with pytest.warns(RuntimeWarning, match="heard again"):
        warnings.warn("heard again", RuntimeWarning, stacklevel=1)


@pytest.mark.filterwarnings("error")
def test_a_block_is_quiet_where_warnings_are_errors() -> None:
    with quiet(RuntimeWarning):
        warnings.simplefilter("error")
        with quiet(RuntimeWarning):
            warnings.warn("inside", RuntimeWarning, stacklevel=1)
    with pytest.raises(RuntimeWarning):
        warnings.warn("outside", RuntimeWarning, stacklevel=1)
