"""What may be asked for beside a score: `?reasons=3&shadow=true`."""

from urllib.parse import parse_qsl

from msgspec import Struct

from model_refresh.scorer.http.problems import FieldProblem, Refused, refused_fields

MOST_REASONS = 1000
_DIGITS = 4


class Asked(Struct, frozen=True):
    """How many reasons, and whether the shadow's score too."""

    reasons: int = 0
    shadow: bool = False


NOTHING = Asked()


def read_query(query: bytes) -> Asked:
    """What a query asks for; raises Refused, 400, naming each parameter that is wrong."""
    if not query:
        return NOTHING
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise Refused(400, "the query is no text: ?reasons=3&shadow=true is accepted") from None
    given: dict[str, str] = {}
    problems = []
    for name, value in pairs:
        if name in given:
            problems.append(FieldProblem(name, "given more than once; give it once"))
        elif wrong := _wrong(name, value):
            problems.append(FieldProblem(name[:64], wrong))
        given[name] = value
    if problems:
        raise refused_fields(problems, status=400)
    return Asked(int(given.get("reasons", "0")), given.get("shadow") == "true")


def _wrong(name: str, value: str) -> str | None:
    """What is wrong with a parameter; None: nothing."""
    if name == "reasons":
        is_number = value.isascii() and value.isdigit() and len(value) <= _DIGITS
        if is_number and 1 <= int(value) <= MOST_REASONS:
            return None
        return f"a whole number from 1 to {MOST_REASONS} is accepted"
    if name == "shadow":
        return None if value in {"true", "false"} else "true or false is accepted"
    return "there is no such parameter; reasons and shadow are accepted"
