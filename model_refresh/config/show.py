"""A model as it is resolved, line by line, with what was set and what is a default."""

from collections.abc import Iterator

from model_refresh.config.messages import dotted
from model_refresh.config.model import Model
from model_refresh.config.reader import Path
from model_refresh.config.values import format_duration
from model_refresh.records import Record


class Setting(Record):
    """One field of a declaration: its path, its value in JSON's kinds, and who set it.

    `inherited` is the defaults.yaml that it came from; None where the model's own file, or nobody,
    says it.
    """

    path: str
    value: object
    was_set: bool
    inherited: str | None = None


def resolved(model: Model) -> tuple[Setting, ...]:
    """Every field of the declaration, in its order; a null that means a default is resolved.

    A text that was filled from the environment is shown as it was written.
    """
    snapshots = model.spec.frame.rows == "snapshot"
    defaults: dict[str, object] = {
        "comparison.metric": model.primary_metric,
        "comparison.also": [name for name in model.metric_names if name != model.primary_metric],
        "comparison.group": list(model.spec.frame.key) if snapshots else "the event's day",
        "champion.max_age": format_duration(model.max_age),
    }
    inherited = {dotted(path): file for path, file in model.inherited.items()}
    return tuple(
        each.model_copy(
            update={
                "value": defaults[each.path]
                if each.value is None and each.path in defaults
                else _as_written(model, each.value),
                "inherited": str(inherited[each.path]) if each.path in inherited else None,
            }
        )
        for each in _settings(model.spec, (), was_set=True)
    )


def _settings(record: Record, path: Path, *, was_set: bool) -> Iterator[Setting]:
    written = record.model_dump(mode="json")
    for name in type(record).model_fields:
        value, here = getattr(record, name), (*path, name)
        is_set = was_set and name in record.model_fields_set
        if isinstance(value, Record) and isinstance(written[name], dict):
            yield from _settings(value, here, was_set=is_set)
        else:
            yield Setting(path=dotted(here), value=written[name], was_set=is_set)


def _as_written(model: Model, value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_written(model, item) for key, item in value.items()}
    return model.written.get(value, value) if isinstance(value, str) else value
