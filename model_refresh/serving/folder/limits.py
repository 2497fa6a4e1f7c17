"""What a model declares of its scorer, as the scorer's settings."""

from model_refresh.config.production import RealtimeSpec
from model_refresh.scorer.http.settings import Settings


def settings_of(declared: RealtimeSpec) -> Settings:
    """The limits on requests, and what becomes of unknown categories."""
    return Settings(
        unknown_category=declared.unknown_category,
        body_kib=declared.body_kib,
        batch_rows=declared.batch_rows,
    )
