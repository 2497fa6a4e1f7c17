"""The recalibrated incumbent as a candidate: what may be declared of it."""

from typing import Literal

from pydantic import Field

from model_refresh.records import Record


class Recalibrated(Record):
    """The incumbent with only its calibrator fitted anew: often only the base rate has moved.

    It needs validation frames that the incumbent has not learned from, so it takes part once the
    incumbent is old enough.
    """

    algorithm: Literal["recalibrated"] = Field(
        "recalibrated", description="the incumbent, calibrated anew"
    )
    method: Literal["platt", "beta", "isotonic", "line"] | None = Field(
        None, description="of calibration; null: platt for a binary task, line for regression"
    )
