"""The conditions on a promotion: one class a file, and the union that lists them."""

from typing import Annotated

from pydantic import Field

from model_refresh.gates.absolute import Absolute
from model_refresh.gates.beats_constant import BeatsConstant
from model_refresh.gates.calibration import Calibration
from model_refresh.gates.condition import Condition
from model_refresh.gates.decision import decide
from model_refresh.gates.latency import Latency
from model_refresh.gates.margin import Margin
from model_refresh.gates.non_inferior import NonInferior
from model_refresh.gates.size import Size
from model_refresh.gates.slices import Slices
from model_refresh.gates.stability import Stability
from model_refresh.gates.superior import Superior
from model_refresh.gates.twin_agreement import TwinAgreement
from model_refresh.gates.value import Value

Gate = Annotated[
    BeatsConstant
    | NonInferior
    | Superior
    | Absolute
    | Calibration
    | Slices
    | Value
    | Stability
    | Latency
    | Size
    | TwinAgreement,
    Field(discriminator="gate"),
]
"""Every gate that can be declared, told apart by `gate`."""

__all__ = [
    "Absolute",
    "BeatsConstant",
    "Calibration",
    "Condition",
    "Gate",
    "Latency",
    "Margin",
    "NonInferior",
    "Size",
    "Slices",
    "Stability",
    "Superior",
    "TwinAgreement",
    "Value",
    "decide",
]
