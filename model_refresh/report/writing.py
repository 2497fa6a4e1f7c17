"""Write a report once a verdict: whole or not at all, the same bytes each time."""

import hashlib
from functools import cache
from importlib.metadata import version as installed_version
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import ReportFile, Verdict
from model_refresh.report.facts import gather
from model_refresh.report.page import render
from model_refresh.report.story import tell
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest, drafting
from model_refresh.storage.store import REPORT

_LIBRARIES = ("altair", "jinja2", "vl-convert-python")


def write_report(model: Model, store: ModelStore, verdict: Verdict) -> Line[ReportFile]:
    """The report of a stored verdict, written now unless this code has written it before.

    Raises NotStored where the comparison that was judged is gone.
    """
    log = store.reports(verdict.as_of)
    key = bytes_digest(f"{verdict.digest()} {code_of_reports()}".encode())
    if (line := log.recall(key)) is not None and _is_whole(store, line.record):
        return line
    content = render(tell(gather(model, store, verdict))).encode()
    with drafting(log.folder) as draft:
        (draft.path / REPORT).write_bytes(content)
        stored = draft.publish(
            kind="report",
            inputs={
                "verdict": verdict.digest(),
                "comparison": verdict.comparison,
                "code": code_of_reports(),
            },
            libraries={name: installed_version(name) for name in _LIBRARIES},
        )
    report = ReportFile(
        as_of=verdict.as_of,
        verdict=verdict.digest(),
        content=stored.digest,
        size_bytes=len(content),
    )
    return log.record_once(report, key=key)


def read_report(store: ModelStore, report: ReportFile) -> Path:
    """The path of a stored report, verified; raises NotStored or CorruptError."""
    return store.content(store.reports(report.as_of), report.content).file(REPORT)


@cache
def code_of_reports() -> str:
    """The sha256 of what makes a report of a verdict: the template and the code beside it."""
    root = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*root.glob("*.py"), *root.glob("templates/*.j2")]):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _is_whole(store: ModelStore, report: ReportFile) -> bool:
    """Whether a report's bytes are there and match; a damaged one is made anew."""
    try:
        read_report(store, report)
    except (CorruptError, NotStored):
        return False
    return True
