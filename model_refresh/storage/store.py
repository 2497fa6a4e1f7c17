"""The store's layout: which thing lies where.

<model>/frames/<query>/<as_of>/          log of Frame, and a folder for each content
<model>/labels/<query>/<as_of>/          log of Labels, and a folder for each content
<model>/refreshes/<as_of>/<step>/        log of that step's records
<model>/versions/<version>/              fitted versions
<model>/predictions/<digest>/            candidates' predictions of validation rows
<model>/studies/                         journals of searches that have not ended
<model>/champion/                        log of Entry
<model>/scores/<as_of>/                  log of Scores, and a folder for each batch
<model>/deliveries/<as_of>/              log of Delivery
<model>/reports/<as_of>/                 log of ReportFile, and a folder for each report
<model>/orders/                          log of Order: holds, releases, skips
<model>/leases/                          who refreshes the model now; not history
<model>/drift/<as_of>/                   log of Drift
<model>/performance/<as_of>/             log of Performance
<model>/estimates/<as_of>/               log of Estimate
_fleet/                                  the overview: a view, never a record
_tests/, _discoveries/                   logs of the fleet's false discovery control
_alerts/                                 log of SentAlert
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar

from model_refresh.errors import CorruptError, NotStored, StoreError
from model_refresh.records import (
    Candidate,
    Challenger,
    Comparison,
    Conformance,
    Dataset,
    Delivery,
    Drift,
    Entry,
    Estimate,
    FleetDiscovery,
    FleetTest,
    Frame,
    Labels,
    Order,
    Performance,
    Promotion,
    Reason,
    Record,
    ReportFile,
    Scorer,
    Scores,
    TrialScores,
    Verdict,
)
from model_refresh.storage.folder import (
    MANIFEST,
    MEMBER,
    RESTORE,
    Draft,
    StoredFolder,
    drafting,
    open_folder,
)
from model_refresh.storage.instants import instants_back, instants_in, names_in, stamp, utc_now
from model_refresh.storage.log import Log

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""What a model or a candidate may be called; no name can leave its folder."""


ROWS = "rows.parquet"
SCORES = "scores.parquet"
REPORT = "report.html"
STUDIES = "studies"
LEASES = "leases"
Dated = Literal["refreshes", "scores", "drift", "performance", "reports"]
"""Folders that have one folder an instant."""

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class ModelStore:
    """One model's frames, refreshes, versions, champions and scores."""

    root: Path
    clock: Callable[[], dt.datetime]

    @property
    def name(self) -> str:
        """The model's name."""
        return self.root.name

    def frames(self, query: str, as_of: dt.datetime) -> Log[Frame]:
        """The versions of one frame; the first is the frame as it was first computed."""
        return self._log(Frame, "frames", query[:16], stamp(as_of))

    def frame_instants(self, query: str) -> list[str]:
        """The stamps of every stored frame of a query, oldest first."""
        return names_in(self.root / "frames" / query[:16])

    def labels(self, query: str, as_of: dt.datetime) -> Log[Labels]:
        """The versions of one frame's labels."""
        return self._log(Labels, "labels", query[:16], stamp(as_of))

    def datasets(self, as_of: dt.datetime) -> Log[Dataset]:
        """The datasets of the refresh at `as_of`."""
        return self._log(Dataset, "refreshes", stamp(as_of), "dataset")

    def candidates(self, as_of: dt.datetime, name: str) -> Log[Candidate]:
        """What became of one candidate in the refresh at `as_of`."""
        if not NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no candidate's name; accepted: {NAME.pattern}")
        return self._log(Candidate, "refreshes", stamp(as_of), f"candidate_{name}")

    def comparisons(self, as_of: dt.datetime) -> Log[Comparison]:
        """The comparisons of the refresh at `as_of`."""
        return self._log(Comparison, "refreshes", stamp(as_of), "comparison")

    def verdicts(self, as_of: dt.datetime) -> Log[Verdict]:
        """The verdicts of the refresh at `as_of`."""
        return self._log(Verdict, "refreshes", stamp(as_of), "verdict")

    def challengers(self, as_of: dt.datetime) -> Log[Challenger]:
        """The refitted challengers of the refresh at `as_of`."""
        return self._log(Challenger, "refreshes", stamp(as_of), "challenger")

    def trial_scores(self, as_of: dt.datetime) -> Log[TrialScores]:
        """The trial batches of the refresh at `as_of`."""
        return self._log(TrialScores, "refreshes", stamp(as_of), "trial_scores")

    def scorers(self, as_of: dt.datetime) -> Log[Scorer]:
        """The scorers that were generated in the refresh at `as_of`."""
        return self._log(Scorer, "refreshes", stamp(as_of), "scorer")

    def conformances(self, as_of: dt.datetime) -> Log[Conformance]:
        """What became of the tests of those scorers."""
        return self._log(Conformance, "refreshes", stamp(as_of), "conformance")

    def promotions(self, as_of: dt.datetime) -> Log[Promotion]:
        """How the refresh at `as_of` ended."""
        return self._log(Promotion, "refreshes", stamp(as_of), "promotion")

    @cached_property
    def champion(self) -> Log[Entry]:
        """The champion log."""
        return self._log(Entry, "champion")

    def scores(self, as_of: dt.datetime) -> Log[Scores]:
        """The batches that were published for one frame."""
        return self._log(Scores, "scores", stamp(as_of))

    def deliveries(self, as_of: dt.datetime) -> Log[Delivery]:
        """Which of those batches have reached a sink."""
        return self._log(Delivery, "deliveries", stamp(as_of))

    def reports(self, as_of: dt.datetime) -> Log[ReportFile]:
        """The reports of the verdicts of the refresh at `as_of`."""
        return self._log(ReportFile, "reports", stamp(as_of))

    def reasons(self, as_of: dt.datetime) -> Log[Reason]:
        """Why the refreshes of `as_of` began, one line a reason."""
        return self._log(Reason, "refreshes", stamp(as_of), "reason")

    @cached_property
    def orders(self) -> Log[Order]:
        """What people said about the model's refreshes."""
        return self._log(Order, "orders")

    @property
    def leases_folder(self) -> Path:
        """Where `leases` says who refreshes the model now."""
        return self.root / LEASES

    def drifts(self, as_of: dt.datetime) -> Log[Drift]:
        """How the frame at `as_of` differs from what its champion learned from."""
        return self._log(Drift, "drift", stamp(as_of))

    def performances(self, as_of: dt.datetime) -> Log[Performance]:
        """How the batches of the frame at `as_of` were graded."""
        return self._log(Performance, "performance", stamp(as_of))

    def estimates(self, as_of: dt.datetime) -> Log[Estimate]:
        """What those batches' scores alone let expect."""
        return self._log(Estimate, "estimates", stamp(as_of))

    def scored(self) -> list[dt.datetime]:
        """The instants of every frame that has a batch, oldest first."""
        return list(instants_in(self.root / "scores"))

    def measured(self) -> list[dt.datetime]:
        """The instants of every frame whose drift was measured, oldest first."""
        return list(instants_in(self.root / "drift"))

    def graded(self) -> list[dt.datetime]:
        """The instants of every frame whose batch was graded, oldest first."""
        return list(instants_in(self.root / "performance"))

    def backwards(self, kind: Dated, until: dt.datetime | None = None) -> Iterator[dt.datetime]:
        """The instants of a kind, newest first, none after `until`: for who needs but a few.

        The newest cost the same however long the history is.
        """
        return instants_back(self.root / kind, until)

    def newest_of(self, kind: Dated, until: dt.datetime | None = None) -> dt.datetime | None:
        """The newest instant of a kind that is not after `until`; None where there is none."""
        return next(self.backwards(kind, until), None)

    def oldest_of(self, kind: Dated) -> dt.datetime | None:
        """The first instant of a kind; None where there is none."""
        return next(instants_in(self.root / kind), None)

    @property
    def fleet_tests(self) -> Log[FleetTest]:
        """The whole fleet's sequence of tests under false discovery control."""
        return Log(self.root.parent / "_tests", FleetTest, self.clock)

    @property
    def fleet_discoveries(self) -> Log[FleetDiscovery]:
        """Which of those tests ended in a promotion."""
        return Log(self.root.parent / "_discoveries", FleetDiscovery, self.clock)

    def refreshed(self) -> list[dt.datetime]:
        """The instants of every refresh, oldest first; what is no refresh's folder is passed by."""
        return list(instants_in(self.root / "refreshes"))

    def version(self, version: str) -> StoredFolder:
        """A fitted version; raises NotStored or CorruptError."""
        if not re.fullmatch(r"[0-9a-f]{16}", version):
            raise NotStored(f"{version!r} is no version: 16 hex digits are expected")
        remedy = (
            f"{RESTORE}; if it is the champion, model-refresh rollback {self.name} --reason ... "
            "brings another back"
        )
        stored = open_folder(self.root / "versions" / version, remedy=remedy)
        if stored.digest[:16] != version:
            raise CorruptError(f"{stored.path / MANIFEST} was edited: {remedy}")
        return stored

    def version_problems(self, version: str) -> Iterator[str]:
        """What is wrong with a version's files, and with those of versions that it mixes.

        Raises NotStored or CorruptError where one of them can't be opened.
        """
        stored = self.version(version)
        yield from stored.problems()
        for about, digest in stored.manifest.inputs.items():
            if about.startswith(MEMBER):
                yield from self.version_problems(digest[:16])

    def versions(self) -> list[str]:
        """Every fitted version's name, sorted."""
        return names_in(self.root / "versions")

    @property
    def versions_folder(self) -> Path:
        """Where versions are drafted and published."""
        return self.root / "versions"

    @property
    def predictions_folder(self) -> Path:
        """Where candidates' predictions of validation rows are drafted and published."""
        return self.root / "predictions"

    def predictions(self, digest: str) -> StoredFolder:
        """A candidate's predictions of validation rows; raises NotStored or CorruptError."""
        return _sealed(self.predictions_folder / digest[:16], digest)

    def journal(self, key: str) -> Path:
        """The file in which the trials of one search are kept until it is recorded."""
        return self.root / STUDIES / f"{key[:16]}.jsonl"

    def content(self, log: Log[R], content: str) -> StoredFolder:
        """The folder of a frame, labels or batch, whose manifest has the digest `content`."""
        return _sealed(log.folder / content[:16], content)

    def place(self, record: Frame | Scores | ReportFile) -> Path:
        """The file that a record points at: a table, or a report's page."""
        if isinstance(record, ReportFile):
            return self.reports(record.as_of).folder / record.content[:16] / REPORT
        if isinstance(record, Frame):
            return self.frames(record.query, record.as_of).folder / record.content[:16] / ROWS
        return self.scores(record.as_of).folder / record.content[:16] / SCORES

    def _log(self, record_type: type[R], *place: str) -> Log[R]:
        return Log(self.root.joinpath(*place), record_type, self.clock)


def _sealed(path: Path, digest: str) -> StoredFolder:
    """A stored folder, whose manifest must have this digest."""
    stored = open_folder(path)
    if stored.digest != digest:
        raise CorruptError(f"{stored.path / MANIFEST} was edited: {RESTORE}")
    return stored


__all__ = ["Draft", "ModelStore", "StoredFolder", "drafting", "stamp", "utc_now"]
