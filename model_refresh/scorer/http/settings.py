"""What a scorer is told about its requests: limits, and what becomes of unknown categories."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

UnknownCategory = Literal["score", "refuse"]


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The limits of a scorer; `settings.json` in a generated folder.

    A body is at most `body_kib` KiB, and a request is whole within `read_seconds` of its first
    byte. /score-batch takes at most `batch_rows` rows. A category that was not learned from is
    scored, with a warning, or refused.
    """

    unknown_category: UnknownCategory = "score"
    body_kib: Annotated[int, Meta(ge=1, le=1_048_576)] = 1024
    batch_rows: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000
    read_seconds: Annotated[float, Meta(gt=0, le=3600)] = 10.0
