"""The conditions on a promotion: one class a file, and the union that lists them."""

from typing import Annotated

from pydantic import Field

from model_refresh.gates.absolute import Absolute
from model_refresh.gates.beats_constant import BeatsConstant
from model_refresh.gates.condition import Condition
from model_refresh.gates.decision import decide
from model_refresh.gates.margin import Margin
from model_refresh.gates.non_inferior import NonInferior
from model_refresh.gates.superior import Superior

Gate = Annotated[BeatsConstant | NonInferior | Superior | Absolute, Field(discriminator="gate")]
"""Every gate that can be declared, told apart by `gate`."""

__all__ = [
    "Absolute",
    "BeatsConstant",
    "Condition",
    "Gate",
    "Margin",
    "NonInferior",
    "Superior",
    "decide",
]
