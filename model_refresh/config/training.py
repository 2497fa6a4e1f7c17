"""What can be declared of training: which frames, which candidates, how much search."""

import datetime as dt
import reprlib
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from model_refresh.algorithms import AnyAlgorithm
from model_refresh.algorithms.constant import Constant
from model_refresh.algorithms.lightgbm import LightGBM
from model_refresh.algorithms.linear import Linear
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.config.values import PositiveDuration, parse_duration
from model_refresh.records import Encoding, Record

_MOST_FRAMES = 10_000

Searched = AnyAlgorithm
"""A candidate that is tuned and fitted on rows of its own."""

AnyCandidate = AnyAlgorithm | Ensemble | Recalibrated
"""Any candidate that can be declared; its `algorithm` field is the discriminator."""

Frames = Annotated[int, Field(ge=1, le=_MOST_FRAMES)]


def _one_or_more(value: object) -> object:
    """A length, or a list of lengths to choose among, as a tuple."""
    listed = value if isinstance(value, list | tuple) else [value]
    for each in listed:
        if isinstance(each, bool) or not isinstance(each, int) or not 1 <= each <= _MOST_FRAMES:
            raise ValueError(
                f"{reprlib.repr(each)} is not accepted; accepted: a whole number of frames from 1 "
                f"to {_MOST_FRAMES}, or a list of such to choose among"
            )
    if not listed or len(set(listed)) < len(listed):
        raise ValueError("a list of lengths has at least one, and each only once")
    return tuple(listed)


def _half_lives(value: object) -> object:
    """`auto`, `none`, or a list of durations above 0, each once, as a tuple."""
    if value in ("auto", "none"):
        return value
    if not isinstance(value, list | tuple) or not value:
        raise ValueError(
            f"{reprlib.repr(value)} is not accepted; accepted: auto, none, or a list of durations "
            "such as [30d, 60d]"
        )
    lives = tuple(parse_duration(each) for each in value)
    if not all(lives):
        raise ValueError("0d is not accepted: give a length above 0, or none for the whole")
    if len(set(lives)) < len(lives):
        raise ValueError("a length is listed twice; list it once")
    return lives


_LENGTH = {"type": "integer", "minimum": 1, "maximum": _MOST_FRAMES}

Windows = Annotated[
    tuple[int, ...],
    BeforeValidator(_one_or_more),
    PlainSerializer(lambda lengths: lengths[0] if len(lengths) == 1 else list(lengths)),
    WithJsonSchema(
        {
            "anyOf": [
                _LENGTH,
                {"type": "array", "items": _LENGTH, "minItems": 1, "uniqueItems": True},
            ]
        }
    ),
]
"""A number of frames, or several among which tuning chooses."""

HalfLife = Annotated[
    Literal["auto", "none"]
    | Annotated[tuple[PositiveDuration, ...], Field(min_length=1, max_length=16)],
    BeforeValidator(_half_lives),
]
"""How fast old rows lose weight."""


class TuningSpec(Record):
    """How much search a refresh may do; all candidates share it."""

    trials: int = Field(20, ge=1, le=10_000, description="sets of parameters to try")
    seconds: float = Field(60.0, ge=1, le=86_400, description="no new trial is begun after these")
    widen_every: int = Field(
        4,
        ge=1,
        le=9,
        description="a search looks around what earlier refreshes found, and each so many "
        "refreshes everywhere again; 1: everywhere each time",
    )


class LimitsSpec(Record):
    """What one fit may use; a fit that exceeds it fails, and the others go on."""

    seconds_per_fit: float = Field(
        600.0, ge=1, le=86_400, description="deadline of one fit, beside the tuning's seconds"
    )
    memory_mib: int = Field(4096, ge=256, le=1_048_576, description="memory of one fit")


class TrainingSpec(Record):
    """Which frames are learned from, and what learns."""

    window: Windows = Field(
        (8,),
        validate_default=True,
        description="frames to train on; a list: lengths among which tuning chooses",
    )
    min_frames: Frames = Field(
        2,
        description="fewest frames that each training window (tuning fits, trial, final) may have "
        "while there are not yet `window`; holdout and validation always need all of theirs",
    )
    holdout: Frames = Field(1, description="newest matured frames, on which versions are judged")
    validation: Frames = Field(
        1, description="trial frames of one fold, on which candidates are chosen; the newest first"
    )
    folds: int = Field(
        2,
        ge=1,
        le=12,
        description="most blocks of `validation` frames, one before the other, on which a search "
        "judges; a block whose past is shorter than min_frames is left out, but for the newest",
    )
    half_life: HalfLife = Field(
        "auto",
        description="after which a training row counts half; none: all count alike; a list of "
        "durations: tuning chooses among them and none; auto: none and a third of the window",
    )
    blend: int = Field(
        4,
        ge=1,
        le=20,
        description="of how many of its trials a boosted candidate is the mean, of different ones "
        "weighted by their losses; 1: the best one alone, which scores faster",
    )
    calibration: Literal["auto", "none", "platt", "beta", "isotonic", "line"] = Field(
        "none",
        description="what maps a candidate's scores onto probabilities or values, learned from "
        "validation rows; auto: what does better on later rows than none, beyond chance",
    )
    features: Encoding = Field(Encoding(), description="how columns become numbers")
    refit: bool = Field(
        True,
        description="true: a winner is fitted anew through the newest labels before it is "
        "deployed; false: the judged version itself is deployed",
    )
    candidates: tuple[Annotated[AnyCandidate, Field(discriminator="algorithm")], ...] = Field(
        (Constant(), Linear(), LightGBM()),
        min_length=1,
        max_length=32,
        description="the algorithms to fit, each once; the constant is a yardstick and never wins",
    )
    tuning: TuningSpec = Field(TuningSpec(), description="how much search a refresh may do")
    limits: LimitsSpec = Field(LimitsSpec(), description="what one fit may use")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="makes every random choice repeatable")

    @property
    def longest_window(self) -> int:
        """The largest number of frames that may be trained on."""
        return max(self.window)

    @property
    def in_order(self) -> tuple[AnyCandidate, ...]:
        """The candidates in the order in which they can be fitted: an ensemble comes last."""
        return tuple(sorted(self.candidates, key=lambda each: isinstance(each, Ensemble)))

    @property
    def searched(self) -> tuple[Searched, ...]:
        """The candidates that are tuned and fitted by themselves."""
        return tuple(c for c in self.candidates if not isinstance(c, Ensemble | Recalibrated))

    def half_lives(self, every: dt.timedelta) -> tuple[dt.timedelta, ...]:
        """The half-lives to choose among, beside none; `every` is from frame to frame."""
        if self.half_life == "none":
            return ()
        if self.half_life != "auto":
            return tuple(dt.timedelta() + each for each in self.half_life)
        span = self.longest_window * every
        return (span / 3,) if self.longest_window >= _FEWEST_TO_AGE else ()


_FEWEST_TO_AGE = 4
"""Below so many frames a third of the window is hardly longer than a frame."""
