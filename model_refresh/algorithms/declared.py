"""What every algorithm that can be declared says of itself, unless it says otherwise."""

from collections.abc import Sequence
from importlib.util import find_spec
from typing import ClassVar, get_args

from model_refresh.algorithms.protocol import Parameters
from model_refresh.errors import FitError
from model_refresh.records import Record, Task


class Library(Record):
    """A library that is installed on demand: its module, and the extra that brings it."""

    module: str
    extra: str


class Declared(Record):
    """The base of all algorithms; subclasses add their options, their space, fit and load."""

    library: ClassVar[Library | None] = None
    """What must be installed beyond the project's own needs; None: nothing."""
    blends: ClassVar[bool] = False
    """Whether a mean of several fits with other settings does better than one: boosting's do."""
    has_form: ClassVar[bool] = True
    """Whether what it fits can be written out for a scorer: see `Fitted.form`."""

    def tasks(self) -> tuple[Task, ...]:
        """The tasks that it can be declared for."""
        return get_args(Task)

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Settings that are worth trying first, the best bet first: the space's own start."""
        del task
        return ({},)

    def missing_library(self) -> str | None:
        """What to install before it can be used, in one sentence; None where nothing lacks.

        Nothing is imported to find out.
        """
        if self.library is None or find_spec(self.library.module) is not None:
            return None
        return (
            f"{self.library.module} is not installed: "
            f"pip install 'model_refresh[{self.library.extra}]'"
        )

    def missing_column(self, names: Sequence[str]) -> str | None:
        """Which feature it asks for by name that is not among these, in one sentence.

        None where nothing lacks: most ask for none.
        """
        del names
        return None

    def require_library(self) -> None:
        """Raise FitError where its library is not installed."""
        if (missing := self.missing_library()) is not None:
            raise FitError(missing)
