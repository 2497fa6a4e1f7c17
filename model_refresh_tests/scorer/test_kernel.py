"""The compiled kernel gives the bits of pure Python, whatever the trees, the rows and the threads.

How it is built and kept is in test_library.
"""

import math
import threading
from array import array

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_refresh.scorer.formula.trees import CATEGORICAL, MISSING_NAN, Trees
from model_refresh.scorer.kernel.compiled import Compiled, compiled, is_available, logistic, softmax
from model_refresh.scorer.kernel.library import NoKernel
from model_refresh.scorer.kernel.selftest import is_right, samples
from model_refresh_tests.scorer.forests import covered, make_trees, rows_for

WIDTHS = (0, 1, 2)
"""None but what every processor has, AVX2, AVX-512: those that this machine lacks fall back."""

pytestmark = pytest.mark.skipif(not is_available(), reason="this machine has no C compiler")


def made(trees: Trees) -> Compiled:
    kernel = compiled(trees)
    assert kernel is not None
    return kernel


def totals(
    kernel: Compiled, rows: NDArray[np.float64], *, threads: int = 1, width: int = 2
) -> NDArray[np.float64]:
    out = np.full(len(rows), np.nan)
    kernel.totals(rows.ctypes.data, len(rows), out.ctypes.data, threads=threads, width=width)
    return out


def require_same(trees: Trees, rows: NDArray[np.float64]) -> None:
    """Row by row and all at once, whatever the processor can do."""
    kernel, asked = made(trees), rows.tolist()
    expected = array("d", map(trees.total, asked)).tobytes()
    assert array("d", map(kernel.total_row, asked)).tobytes() == expected
    for width in WIDTHS:
        assert totals(kernel, rows, width=width).tobytes() == expected


@given(st.integers(0, 100_000), st.integers(0, 30), st.integers(0, 60), st.booleans())
def test_sums_are_those_of_pure_python_to_the_bit(
    seed: int, trees: int, nodes: int, single: bool
) -> None:
    tables = make_trees(seed, trees, nodes, single=single)
    require_same(tables, rows_for(tables, seed))


@pytest.mark.parametrize("nodes", [254, 255, 256, 900, 2047, 2048, 4000])
@pytest.mark.parametrize("single", [False, True])
def test_large_trees_give_the_same_bits(nodes: int, single: bool) -> None:
    trees = make_trees(nodes, trees=3, nodes=0, single=single)
    big = chain(nodes, single=single)
    require_same(big, rows_for(big))
    assert trees.total([0.0] * 5) == made(trees).total_row([0.0] * 5)


@pytest.mark.parametrize("count", [1, 254, 255, 256, 510, 511, 1500])
def test_a_column_may_have_more_thresholds_than_a_byte_has_values(count: int) -> None:
    trees = chain(count, column=0)
    require_same(trees, rows_for(trees, rows=300))


@given(st.integers(0, 100_000), st.booleans())
def test_shapley_values_are_those_of_pure_python_to_the_bit(seed: int, single: bool) -> None:
    trees = covered(make_trees(seed, nodes=15, single=single))
    kernel = made(trees)
    for row in rows_for(trees, seed, rows=4).tolist():
        assert kernel.shapley_row(row) == trees.shapley(row)


def test_shapley_values_of_trees_too_deep_for_the_kernel_are_pure_pythons() -> None:
    trees = chain(700, column=0)
    row = [0.5] * 5
    assert made(trees).shapley_row(row) == trees.shapley(row)


@pytest.mark.parametrize("category", [0, 31, 253, 254, 255, 256, 5_000])
@pytest.mark.parametrize("flags", [CATEGORICAL, CATEGORICAL | 2])
def test_categories_may_be_larger_than_a_byte(category: int, flags: int) -> None:
    words = [0] * (category // 32 + 1)
    words[-1] = 1 << category % 32
    sets = {"set_starts": (0, len(words)), "set_words": tuple(words)}
    trees = one_node(flags=(flags,), threshold=(0.0,), **sets)
    near = [category - 1.0, float(category), category + 0.5, category + 1.0]
    values = [*near, -1.0, -0.5, math.nan, 253.0, 254.0, 255.0, 1e12, -1e300, math.inf]
    require_same(trees, np.array(values)[:, None])


def test_trees_without_nodes_or_columns_are_sums_of_leaves() -> None:
    for roots in ((), (~0,), (~0, ~1, ~0)):
        trees = Trees(0, roots, (), (), (), (), (), (0.1, 0.2), (), (0.0, 0.0), start=0.3)
        assert made(trees).total_row([]) == trees.total([])
        assert totals(made(trees), np.empty((3, 0))).tolist() == [trees.total([])] * 3


@given(st.integers(0, 400), st.integers(1, 9))
def test_threads_and_places_in_a_block_change_no_bit(rows: int, threads: int) -> None:
    trees = make_trees(4, trees=9)
    values = rows_for(trees, rows, rows=rows)
    kernel = made(trees)
    expected = [kernel.total_row(row) for row in values.tolist()]
    assert totals(kernel, values, threads=threads).tolist() == expected


def test_many_threads_may_ask_one_model_for_single_rows() -> None:
    trees = make_trees(5, trees=40)
    rows = rows_for(trees, rows=400).tolist()
    kernel, wrong = made(trees), list[int]()
    expected = [trees.total(row) for row in rows]

    def ask(start: int) -> None:
        for i in range(start, start + 2000):
            if kernel.total_row(rows[i % 400]) != expected[i % 400]:
                wrong.append(i)

    askers = [threading.Thread(target=ask, args=(37 * i,)) for i in range(8)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert not wrong


def test_a_row_of_another_length_is_an_error_and_the_next_is_fine() -> None:
    kernel, trees = made(make_trees(1)), make_trees(1)
    with pytest.raises(Exception, match="expected 5 items"):
        kernel.total_row([0.0] * 4)
    assert kernel.total_row([0.0] * 5) == trees.total([0.0] * 5)


@pytest.mark.parametrize(
    "changes",
    [
        {"roots": (5,)}, {"roots": (-5,)}, {"left": (7,)}, {"right": (-9,)}, {"left": (0,)},
        {"feature": (1,)}, {"feature": (-1,)}, {"flags": (16,)}, {"flags": (12,)},
        {"flags": (1,), "threshold": (1.0,)}, {"threshold": (math.nan,)}, {"roots": (0, 0)},
        {"flags": (1,), "set_starts": (0, 3), "set_words": (1,)}, {"left": ()},
        {"flags": (1,), "set_starts": (0, -1)}, {"node_covers": ()}, {"leaf_covers": (1.0,)}, {"set_starts": ()}, {"feature": (2**40,)},
    ],
)  # fmt: skip
def test_tables_that_dont_fit_together_are_refused(changes: dict[str, object]) -> None:
    assert compiled(one_node()) is not None
    assert compiled(one_node(**changes)) is None


def test_the_self_test_notices_one_wrong_bit() -> None:
    class Nearly(Compiled):
        def total_row(self, row: list[float]) -> float:  # type: ignore[override]
            return math.nextafter(super().total_row(row), math.inf)

    for trees in samples():
        kernel = made(trees)
        assert is_right(trees, kernel)
        kernel.__class__ = Nearly
        assert not is_right(trees, kernel)


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=70))
def test_links_are_by_the_c_librarys_exponential(totals: list[float]) -> None:
    values = np.array(totals)
    logistic(values.ctypes.data, len(values), 1.5)
    safe = [1.0 / (1.0 + math.exp(-1.5 * each)) if each > -400 else 0.0 for each in totals]
    np.testing.assert_allclose(values, safe, rtol=1e-15, atol=1e-200)
    shares = np.array(totals)
    softmax(shares.ctypes.data, 1, len(shares))
    raised = [math.exp(each - max(totals)) for each in totals]
    total = 0.0
    for each in raised:
        total += each
    assert shares.tolist() == [each / total for each in raised]


def test_links_without_a_kernel_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_REFRESH_KERNEL", "off")
    values = np.zeros(2)
    with pytest.raises(NoKernel):
        logistic(values.ctypes.data, len(values), 1.0)
    with pytest.raises(NoKernel):
        softmax(values.ctypes.data, 1, len(values))


def test_a_desk_that_another_thread_took_is_no_error() -> None:
    class Taken(list[object]):
        def __bool__(self) -> bool:
            return True

    trees = one_node()
    kernel = made(trees)
    for ask in (kernel.total_row, kernel.shapley_row):
        kernel.__dict__["_desks"] = Taken()
        ask([0.0])
    assert kernel.total_row([0.0]) == trees.total([0.0])


def one_node(**changes: object) -> Trees:
    """A node of column 0 with two leaves."""
    flags, leaves, covers = (MISSING_NAN,), (10.0, 20.0), (1.0, 3.0)
    trees = Trees(1, (0,), (0,), (1.0,), (~0,), (~1,), flags, leaves, (4.0,), covers)
    return msgspec.structs.replace(trees, **changes)


def chain(nodes: int, *, column: int | None = None, single: bool = False) -> Trees:
    """A tree as deep as it has nodes; of one column, or of four in turn."""
    rng = np.random.default_rng(nodes)
    below = [*range(1, nodes), ~nodes]
    ends = [~i for i in range(nodes)]
    return Trees(
        columns=5,
        roots=(0, ~0),
        feature=tuple(i % 4 if column is None else column for i in range(nodes)),
        threshold=tuple(np.sort(rng.normal(size=nodes)).astype(np.float32).tolist()),
        left=tuple(ends[i] if i % 2 else below[i] for i in range(nodes)),
        right=tuple(below[i] if i % 2 else ends[i] for i in range(nodes)),
        flags=tuple((MISSING_NAN | 2 * (i % 2)) for i in range(nodes)),
        leaves=tuple(rng.normal(size=nodes + 1).astype(np.float32).tolist()),
        node_covers=(1.0,) * nodes,
        leaf_covers=(1.0,) * (nodes + 1),
        single=single,
    )
