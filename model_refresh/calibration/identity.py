"""No calibration."""

from typing import ClassVar, Literal, Self

from pydantic import Field

from model_refresh.calibration.protocol import Calibrator, Floats, Pairs
from model_refresh.records import Task


class Identity(Calibrator):
    """Predictions as they are: for models whose level holds, and for multiclass tasks."""

    tasks: ClassVar[tuple[Task, ...]] = ("binary", "regression", "multiclass")

    method: Literal["none"] = Field("none", description="no calibration")

    @classmethod
    def fit(cls, pairs: Pairs) -> Self:
        """There is nothing to learn."""
        del pairs
        return cls()

    def apply(self, predicted: Floats) -> Floats:
        """The same values, of any shape; probabilities of 0 and 1 too."""
        return predicted
