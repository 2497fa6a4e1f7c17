"""The formula of a version: all that scoring with it takes, written out as data for a scorer."""

from collections.abc import Iterator, Sequence
from typing import assert_never, cast

import msgspec

from model_refresh.algorithms.version import Mixture, Single, Version
from model_refresh.calibration import AnyCalibrator, Identity
from model_refresh.errors import FitError
from model_refresh.features import (
    CategoryFeature,
    Encoder,
    IndicatorFeature,
    MomentFeature,
    NumberFeature,
    TargetFeature,
)
from model_refresh.features import Feature as Learned
from model_refresh.features.moments import parts_of
from model_refresh.records import Column
from model_refresh.scorer.formula.calibrators import Calibrator
from model_refresh.scorer.formula.encoding import (
    Category,
    Feature,
    Indicator,
    Moment,
    Number,
    Target,
)
from model_refresh.scorer.formula.forms import Form
from model_refresh.scorer.formula.formula import Formula, Input, InputType, Member

Encoding = tuple[Feature, ...]


def formula_of(version: Version) -> Formula:
    """The version as data that scores any row within 1e-9 of what `Version.predict` does.

    A mixture of mixtures becomes one of all their members. Raises FitError where a member can't be
    written out.
    """
    flat = list(_flat(version, 1.0))
    encodings = [encoding_of(single.encoder) for _, single, _ in flat]
    distinct = tuple(dict.fromkeys(encodings))
    definition = version.lineage.definition
    return Formula(
        model=version.lineage.model,
        version=version.name,
        artifact=version.artifact,
        task=definition.task,
        classes=definition.label.classes,
        inputs=tuple(_input(column, distinct) for column in version.recipe.features),
        encodings=distinct,
        members=tuple(
            Member(algorithm, weight, distinct.index(encoding), _form(algorithm, single))
            for (algorithm, single, weight), encoding in zip(flat, encodings, strict=True)
        ),
        calibrator=_calibrator(version.calibrator),
    )


def encoding_of(encoder: Encoder) -> Encoding:
    """The encoder's features as a scorer reads them; their columns are the matrix's, in order."""
    return tuple(_feature(each) for each in encoder.features)


def _flat(version: Version, weight: float) -> Iterator[tuple[str, Single, float]]:
    """Each model with its algorithm and its share of the whole; their calibrators are not asked."""
    if isinstance(version.predictor, Mixture):
        for member, share in version.predictor.members:
            yield from _flat(member, weight * share)
    else:
        yield version.recipe.algorithm, version.predictor, weight


def _form(algorithm: str, single: Single) -> Form:
    form = single.fitted.form()
    if form is None:
        raise FitError(
            f"a model by {algorithm} can't be written out as a formula, so there is no scorer for "
            "it: leave realtime out of deploy, or the algorithm out of training.candidates"
        )
    return form


def _feature(learned: Learned) -> Feature:
    match learned:
        case NumberFeature():
            return Number(learned.name, learned.type)
        case IndicatorFeature():
            return Indicator(learned.name, learned.type)
        case MomentFeature():
            return Moment(learned.name, learned.type, parts_of(learned))
        case CategoryFeature():
            return Category(learned.name, learned.type, learned.values)
        case TargetFeature():
            return Target(
                name=learned.name,
                type=learned.type,
                values=learned.values,
                means=learned.means,
                missing=learned.missing,
                prior=learned.prior,
            )
        case _:
            assert_never(learned)


def _input(column: Column, encodings: Sequence[Encoding]) -> Input:
    """The column as a raw value of a row; its categories are those that any member knows."""
    used = [each for encoding in encodings for each in encoding if each.name == column.name]
    known = [each.values for each in used if isinstance(each, Category | Target)]
    return Input(
        name=column.name,
        type=cast(InputType, column.type),
        categories=tuple(dict.fromkeys(text for values in known for text in values))
        if known
        else None,
        used=bool(used),
    )


def _calibrator(learned: AnyCalibrator | None) -> Calibrator | None:
    """The same record of the scorer: both are one JSON."""
    if learned is None or isinstance(learned, Identity):
        return None
    calibrator: Calibrator = msgspec.json.decode(learned.canonical(), type=Calibrator)
    return calibrator
