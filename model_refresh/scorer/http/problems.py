"""What a refused request is answered: problem details as of RFC 9457."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from msgspec import Struct

PROBLEM_TYPE = "application/problem+json"
_SHOWN = 64


class FieldProblem(Struct, frozen=True):
    """What is wrong with one field: `recency`, `rows[3].recency`, or a name of the query."""

    field: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """The body of every answer but the good ones; `errors` says it field by field."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: tuple[FieldProblem, ...] = ()

    def encoded(self) -> bytes:
        """Its JSON, `type` included."""
        return _ENCODER.encode({"type": self.type} | msgspec.to_builtins(self))


class Refused(Exception):
    """A request that is answered with a problem; `closes`: its connection ends with it."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Sequence[tuple[str, str]] = (),
        closes: bool = False,
    ) -> None:
        self.problem = problem(status, detail, errors)
        self.headers, self.closes = tuple(headers), closes
        super().__init__(detail)


def problem(status: int, detail: str, errors: Sequence[FieldProblem] = ()) -> Problem:
    """A problem of this status; its title is the status's own phrase."""
    return Problem(HTTPStatus(status).phrase, status, detail, errors=tuple(errors))


def refused_fields(errors: Sequence[FieldProblem], *, status: int = 422) -> Refused:
    """A refusal that names its fields; `detail` tells the first of them."""
    first = f"{errors[0].field}: {errors[0].detail}" if errors else "nothing can be scored"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Refused(status, first + more, errors=errors)


def shown(value: object) -> str:
    """A value as it is shown to whoever sent it, cut where it is long."""
    return repr(cut(value)) if isinstance(value, str) else cut(value)


def cut(value: object) -> str:
    """A text without the rest of a long one; of other values their JSON."""
    text = value if isinstance(value, str) else _ENCODER.encode(value).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


_ENCODER = msgspec.json.Encoder()
