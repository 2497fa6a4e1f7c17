"""Sums of trees by the compiled kernel: the same bits as `Trees.total`, many times as fast."""

import ctypes
import functools
import logging
import math
import struct
import threading
import weakref
from array import array
from collections.abc import Iterator, Sequence

from model_refresh.scorer.formula.trees import Trees
from model_refresh.scorer.kernel.library import NoKernel, library
from model_refresh.scorer.kernel.selftest import is_right, samples, tells_right

_WIDEST = 2
_BLOCK = 64
_TRIED_ROWS = 150
_log = logging.getLogger("model_refresh.kernel")


def compiled(trees: Trees, *, build: bool = True) -> "Compiled | None":
    """The trees in the kernel, verified on rows of their own; None where pure Python must do.

    The log says why. The first call on a machine compiles the kernel, which takes seconds; without
    `build`, None where that wasn't done before.
    """
    functions = _functions(build=build)
    if functions is None:
        return None
    made = Compiled.of(trees, functions)
    if made is None or not is_right(trees, made):
        _log.warning("the compiled kernel doesn't give the sums of these trees: it isn't used")
        return None
    return made


def is_available(*, build: bool = True) -> bool:
    """Whether this machine has the kernel; with `build`, once it was tried to make it."""
    return _functions(build=build) is not None


class Compiled:
    """Trees as the kernel holds them. Any thread may ask; they don't wait for each other."""

    def __init__(self, trees: Trees, functions: ctypes.CDLL, tables: "_Tables", model: int) -> None:
        self.columns = trees.columns
        self._trees = trees
        self._functions, self._tables, self._model = functions, tables, model
        self._row, self._pack = functions.trees_row, struct.Struct(f"{trees.columns}d").pack_into
        self._room = functions.trees_room(model)
        self._desks: list[tuple[bytearray, int, int, bytearray]] = []
        weakref.finalize(self, functions.trees_free, model)

    @classmethod
    def of(cls, trees: Trees, functions: ctypes.CDLL) -> "Compiled | None":
        """The tables copied and packed; None where they don't fit together."""
        tables = _Tables.of(trees)
        model = functions.trees_new(ctypes.byref(tables)) if tables is not None else None
        return cls(trees, functions, tables, model) if tables is not None and model else None

    def total_row(self, row: Sequence[float]) -> float:
        """As `Trees.total`."""
        try:
            desk = self._desks.pop()
        except IndexError:
            desk = self._desk()
        self._pack(desk[0], 0, *row)
        total: float = self._row(self._model, desk[1], desk[2])
        self._desks.append(desk)
        return total

    def shapley_row(self, row: Sequence[float]) -> list[float]:
        """As `Trees.shapley`."""
        told = array("d", row)
        try:
            desk = self._desks.pop()
        except IndexError:
            desk = self._desk()
        self._pack(desk[0], 0, *row)
        failed = self._functions.trees_shapley(self._model, desk[1], told.buffer_info()[0])
        self._desks.append(desk)
        return self._trees.shapley(row) if failed else [*told, self._base]

    def totals(
        self, values: int, rows: int, out: int, *, threads: int = 1, width: int = _WIDEST
    ) -> None:
        """The totals of rows by address: doubles of shape (rows, columns) to doubles (rows,).

        Both are C-contiguous, and stay where they are until this returns. Threads share the rows;
        their number changes no bit, nor does `width`, how wide the processor's instructions may be.
        Raises MemoryError where there is none.
        """
        shares = list(_shares(rows, threads))
        failed: list[int] = []

        def sum_share(start: int, end: int) -> None:
            first, to = values + 8 * start * self.columns, out + 8 * start
            if self._functions.trees_rows(self._model, first, end - start, to, width):
                failed.append(start)

        others = [threading.Thread(target=sum_share, args=share) for share in shares[1:]]
        for thread in others:
            thread.start()
        if shares:
            sum_share(*shares[0])
        for thread in others:
            thread.join()
        if failed:
            raise MemoryError("no memory to sum trees in")

    @functools.cached_property
    def _base(self) -> float:
        return self._trees.base()

    def _desk(self) -> tuple[bytearray, int, int, bytearray]:
        """Where one row is summed: its values, and room for the kernel, with their addresses."""
        values, room = bytearray(8 * self.columns + 8), bytearray(self._room)
        return values, _address(values), _address(room), room


def logistic(values: int, count: int, steepness: float) -> None:
    """Doubles at an address become 1 / (1 + exp(-steepness * value)), by the C library's exp.

    Raises NoKernel where this machine has none.
    """
    _required().trees_logistic(values, count, steepness)


def softmax(values: int, rows: int, classes: int) -> None:
    """Doubles at an address, shape (rows, classes), become shares of their row's exponentials.

    Raises NoKernel where this machine has none.
    """
    _required().trees_softmax(values, rows, classes)


class _Tables(ctypes.Structure):
    """`Tables` of trees_model.h; the arrays that it points to are in `kept`."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("columns", "trees", "nodes", "leaves")),
        *((name, ctypes.c_int64) for name in ("sets", "words")),
        *((name, ctypes.c_void_p) for name in ("roots", "feature", "left", "right", "flags")),
        *((name, ctypes.c_void_p) for name in ("set_starts", "set_words")),
        *((name, ctypes.c_void_p) for name in ("threshold", "leaf_values")),
        *((name, ctypes.c_void_p) for name in ("node_covers", "leaf_covers")),
        ("start", ctypes.c_double),
        ("single", ctypes.c_int32),
    )
    kept: tuple["array[int] | array[float]", ...]

    @classmethod
    def of(cls, trees: Trees) -> "_Tables | None":
        try:
            kept = _arrays(trees)
        except OverflowError:
            return None
        made = cls(
            trees.columns,
            len(trees.roots),
            len(trees.feature),
            len(trees.leaves),
            len(trees.set_starts) - 1,
            len(trees.set_words),
            *(each.buffer_info()[0] for each in kept),
            trees.start,
            trees.single,
        )
        made.kept = kept
        return made


def _arrays(trees: Trees) -> tuple["array[int] | array[float]", ...]:
    nodes = len(trees.feature)
    columns = (trees.left, trees.right, trees.flags, trees.threshold, trees.node_covers)
    if any(len(column) != nodes for column in columns) or not trees.set_starts:
        raise OverflowError
    if len(trees.leaf_covers) != len(trees.leaves):
        raise OverflowError
    whole = (trees.roots, trees.feature, trees.left, trees.right, trees.flags, trees.set_starts)
    return (
        *(array("i", numbers) for numbers in whole),
        array("I", trees.set_words),
        array("d", trees.threshold),
        array("d", trees.leaves),
        array("d", trees.node_covers),
        array("d", trees.leaf_covers),
    )


def _functions(*, build: bool) -> ctypes.CDLL | None:
    found = library(build=build)
    return _declared(found) if found is not None else None


def _required() -> ctypes.CDLL:
    functions = _functions(build=True)
    if functions is None:
        raise NoKernel("there is no compiled kernel: is_available tells so before")
    return functions


@functools.cache
def _declared(found: ctypes.CDLL) -> ctypes.CDLL | None:
    """The library with its functions' types, tried on trees of every kind; None where it fails."""
    address, count, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    declared = {
        "trees_new": ([address], address),
        "trees_free": ([address], None),
        "trees_room": ([address], count),
        "trees_row": ([address, address, address], number),
        "trees_rows": ([address, address, count, address, ctypes.c_int], ctypes.c_int),
        "trees_shapley": ([address, address, address], ctypes.c_int),
        "trees_logistic": ([address, count, number], None),
        "trees_softmax": ([address, count, count], None),
    }
    for name, (takes, gives) in declared.items():
        function = getattr(found, name)
        function.argtypes, function.restype = takes, gives
    for trees in samples():
        made = Compiled.of(trees, found)
        right = made is not None and is_right(trees, made, rows=_TRIED_ROWS)
        if made is None or not right or not tells_right(trees, made):
            _log.warning("the compiled kernel gives wrong sums here: it isn't used")
            return None
    return found


def _shares(rows: int, threads: int) -> Iterator[tuple[int, int]]:
    """Rows from and to, a share a thread, cut at whole blocks."""
    size = max(1, math.ceil(rows / max(1, threads) / _BLOCK)) * _BLOCK
    return ((start, min(start + size, rows)) for start in range(0, rows, size))


def _address(held: bytearray) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(held))
