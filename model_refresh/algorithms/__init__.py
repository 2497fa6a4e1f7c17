"""Ways to learn. One frozen class a file; `AnyAlgorithm` is the only list.

To add one: a file with a class that keeps `Algorithm`, and its name here.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, TypeAdapter

from model_refresh.algorithms.catboost import CatBoost
from model_refresh.algorithms.constant import Constant
from model_refresh.algorithms.forest import Forest
from model_refresh.algorithms.lightgbm import LightGBM
from model_refresh.algorithms.linear import Linear
from model_refresh.algorithms.naive import Naive
from model_refresh.algorithms.xgboost import XGBoost

__all__ = [
    "AnyAlgorithm",
    "CatBoost",
    "Constant",
    "Forest",
    "LightGBM",
    "Linear",
    "Naive",
    "XGBoost",
    "rebuild",
]

AnyAlgorithm = Constant | Naive | Linear | LightGBM | Forest | CatBoost | XGBoost
"""Any algorithm that can be declared; its `algorithm` field is the discriminator."""

_ADAPTER: TypeAdapter[AnyAlgorithm] = TypeAdapter(
    Annotated[AnyAlgorithm, Field(discriminator="algorithm")]
)


def rebuild(name: str, options: Mapping[str, bool | int | float | str | None]) -> AnyAlgorithm:
    """The algorithm of this name with these options, as a recipe holds them.

    Raises pydantic's ValidationError where there is no such algorithm or option.
    """
    return _ADAPTER.validate_python({**options, "algorithm": name})
