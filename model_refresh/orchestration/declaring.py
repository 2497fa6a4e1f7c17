"""`@asset` and `@asset_check`: Dagster's decorators of the same names, for bodies of one shape.

A body takes its context and the store. Dagster's own decorators look at each body's signature
dozens of times, which is most of what a fleet of a thousand models takes to load; these build the
same definitions by Dagster's public classes, and look at nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Unpack

import dagster as dg

from model_refresh.metering import Meter
from model_refresh.orchestration.describe import Presentation
from model_refresh.orchestration.metadata import with_cost
from model_refresh.orchestration.resources import StoreResource

AssetBody = Callable[[dg.AssetExecutionContext, StoreResource], dg.MaterializeResult[None] | None]
CheckBody = Callable[[dg.AssetCheckExecutionContext, StoreResource], dg.AssetCheckResult]
Inputs = Mapping[str, object]

_RESULT = "result"
_IN = dg.In(dg.Nothing)
_OUT, _IF_MADE = dg.Out(dg.Nothing), dg.Out(dg.Nothing, is_required=False)


def asset(
    *,
    deps: Sequence[dg.AssetKey] = (),
    pool: str | None = None,
    may_end: bool = False,
    **presentation: Unpack[Presentation],
) -> Callable[[AssetBody], dg.AssetsDefinition]:
    """An asset that gives Dagster nothing but metadata: what it made is in the store.

    With `may_end` its body may return None: then what follows it in the run is left out.
    """
    key = presentation["key"]

    def declared(body: AssetBody) -> dg.AssetsDefinition:
        def compute(
            context: dg.AssetExecutionContext, inputs: Inputs
        ) -> Iterator[dg.MaterializeResult[None]]:
            meter = Meter.start()
            found = body(context, context.resources.store)
            if found is not None:
                yield with_cost(found, meter.cost)

        inputs, out = _names(deps), _IF_MADE if may_end else _OUT
        return dg.AssetsDefinition(
            keys_by_input_name=inputs,
            keys_by_output_name={_RESULT: key},
            node_def=_op(key.to_python_identifier(), inputs, compute, out=out, pool=pool),
            specs=[dg.AssetSpec(deps=deps, **presentation)],
        )

    return declared


def asset_check(
    *, asset: dg.AssetKey, name: str, description: str, blocking: bool = False
) -> Callable[[CheckBody], dg.AssetChecksDefinition]:
    """A check on an asset, which runs after it."""
    spec = dg.AssetCheckSpec(name, asset=asset, description=description, blocking=blocking)

    def declared(body: CheckBody) -> dg.AssetChecksDefinition:
        def compute(
            context: dg.AssetCheckExecutionContext, inputs: Inputs
        ) -> Iterator[dg.AssetCheckResult]:
            yield body(context, context.resources.store)

        inputs = _names([asset])
        definition: dg.AssetChecksDefinition = dg.AssetChecksDefinition.create(
            keys_by_input_name=inputs,
            node_def=_op(spec.get_python_identifier(), inputs, compute),
            check_specs_by_output_name={_RESULT: spec},
            can_subset=False,
        )
        return definition

    return declared


def _names(deps: Sequence[dg.AssetKey]) -> dict[str, dg.AssetKey]:
    return {dep.to_python_identifier(): dep for dep in deps}


def _op(
    name: str,
    inputs: Mapping[str, dg.AssetKey],
    compute: Callable[..., Iterator[object]],
    *,
    out: dg.Out = _OUT,
    pool: str | None = None,
) -> dg.OpDefinition:
    return dg.OpDefinition(
        compute,
        name=name,
        ins=dict.fromkeys(inputs, _IN),
        outs={_RESULT: out},
        required_resource_keys={"store"},
        pool=pool,
    )
