"""Making the next thing while the last one is used."""

import threading
from collections.abc import Iterator
from itertools import islice

import pytest

from model_refresh.serving.batch.ahead import ahead


def test_items_come_in_order_and_once() -> None:
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead(iter(()))) == []


def test_one_item_is_made_while_the_one_before_is_used_and_no_more() -> None:
    made, next_is_made = list[int](), threading.Event()

    def make() -> Iterator[int]:
        for i in range(5):
            made.append(i)
            if i == 1:
                next_is_made.set()
            yield i

    using = ahead(make())
    assert next(using) == 0
    assert next_is_made.wait(10)
    assert made == [0, 1]
    assert list(using) == [1, 2, 3, 4]


def test_an_error_comes_where_its_item_would_have() -> None:
    def make() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the disk is gone")

    using = ahead(make())
    assert list(islice(using, 2)) == [1, 2]
    with pytest.raises(OSError, match="the disk is gone"):
        next(using)


def test_who_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    using = ahead(iter(range(1000)))
    assert next(using) == 0
    using.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
