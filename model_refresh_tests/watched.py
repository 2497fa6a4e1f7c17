"""Progress and time as tests want them."""

from model_refresh.progress import Progress


def make_progress(**changes: object) -> Progress:
    """The seventh of twenty trials of lightgbm, with 41 seconds left."""
    usual: dict[str, object] = {
        "candidate": "lightgbm",
        "trial": 7,
        "trials": 20,
        "best": 0.3215444,
        "metric": "log_loss",
        "seconds_left": 41.0,
    }
    return Progress.model_validate(usual | changes)


class FakeClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
