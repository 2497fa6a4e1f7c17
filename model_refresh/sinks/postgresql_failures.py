"""PostgreSQL's errors as ours: is it worth another try, and in words without a secret."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from model_refresh.errors import SinkError, SinkUnreachable

_PASSING = ("08", "40", "53", "57", "55P03")
"""How the codes begin of what passes: lost connections, conflicts, full disks, shutdowns, locks."""

_ASKED_FOR = "57014"
_REFUSED = ("password", "authentication", "pg_hba", "does not exist", "role ", "certificate")
_SECRETS = ("password", "sslpassword", "scram_client_key", "oauth_client_secret")
_LONGEST = 400


def told(error: psycopg.Error, url: str) -> SinkError:
    """SinkUnreachable where trying again may help, SinkError where it won't."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:
        # libpq quotes what it could not read
        return SinkError("scores.sink.url can't be read as a PostgreSQL URL; it is not shown here")
    reason = _without_secrets(" ".join(str(error).split()), url)[:_LONGEST]
    if error.sqlstate == _ASKED_FOR:
        reason += "; raise scores.sink.timeout_seconds if it takes longer for good reason"
    if _passes(error, reason):
        return SinkUnreachable(f"PostgreSQL did not take the batch: {reason}; what it had is there")
    return SinkError(f"PostgreSQL refused the batch: {reason}; what it had is untouched")


def _passes(error: psycopg.Error, reason: str) -> bool:
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_PASSING)
    answered = "FATAL" in reason and any(sign in reason for sign in _REFUSED)
    return isinstance(error, psycopg.OperationalError) and not answered


def _without_secrets(text: str, url: str) -> str:
    given = conninfo_to_dict(url)
    for name in _SECRETS:
        if secret := str(given.get(name) or ""):
            text = text.replace(secret, "***")
    return text
