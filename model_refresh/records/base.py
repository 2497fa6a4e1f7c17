"""What every record is: a frozen value with one text and one digest."""

import datetime as dt
import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Task = Literal["binary", "regression", "multiclass"]
Decision = Literal["promote", "retain", "reject"]
Severity = Literal["retain", "reject"]
ColumnType = Literal["boolean", "integer", "number", "text", "date", "timestamp", "other"]


def _to_utc(value: dt.datetime) -> dt.datetime:
    return value.astimezone(dt.UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant in UTC."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""The sha256 of a file's bytes or of a record's canonical JSON, in hex."""


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


class Record(BaseModel):
    """A frozen value that refuses unknown fields and has a digest.

    Floats that are not finite are written as the strings "NaN", "Infinity" and "-Infinity".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def canonical(self) -> str:
        """The record's one JSON text."""
        return canonical_json(json.loads(self.model_dump_json()))

    def digest(self) -> str:
        """The sha256 of `canonical()`, in hex."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The record that `canonical` wrote."""
        return cls.model_validate_json(text)
