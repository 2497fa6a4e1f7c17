"""The sending process: one message by apprise, or one look at a heartbeat's address, then its end.

A process of its own, so that what hangs is killed, the guard holds for all of it, and what apprise
logs is seen by nobody.
"""

import logging
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from model_refresh.alerting.allowed import LOCAL, Allowed, parse_allowed
from model_refresh.alerting.guard import Guard
from model_refresh.alerting.task import OUTCOME, TASK, Outcome, Task, fill, without_secrets
from model_refresh.isolation import child_main

_ASSET: dict[str, Any] = {
    "app_id": "model-refresh",
    "app_url": "",
    "image_url_mask": "",
    "image_url_logo": "",
    "image_path_mask": False,
    "async_mode": False,
    "http_redirects": False,
    "interpret_emojis": False,
    "allow_templates": False,
    "storage_mode": "memory",
}
"""Nothing is kept, nothing fetched, no redirect followed, and the text is taken as it is."""
_TYPES = {"critical": "failure", "warning": "warning", "info": "info"}
_PLAIN_WORDS = ("http", "https", "json", "mail", "email", "slack", "error", "connection", "send")
"""What may stand in an address and in a sentence all the same."""


def run(job: Path) -> None:
    """Do the task in this folder and leave its outcome there."""
    task = Task.parse((job / TASK).read_bytes())
    (job / OUTCOME).write_text(_outcome(task).canonical())


def _outcome(task: Task) -> Outcome:
    try:
        url = fill(task.url, os.environ)
    except KeyError as error:
        message = f"the environment has no {error.args[0]}: set it where the sender runs"
        return Outcome(delivered=False, failure=message, passing=False)
    entries = tuple(parse_allowed(text) for text in task.allow)
    return _asked(task, url, entries) if task.kind == "heartbeat" else _sent(task, url, entries)


def _sent(task: Task, url: str, entries: tuple[Allowed, ...]) -> Outcome:
    import apprise  # half a second, which a heartbeat doesn't need

    logging.getLogger("apprise").propagate = False
    logging.getLogger("apprise").addHandler(logging.NullHandler())
    apprise.Apprise.instantiate("json://localhost")  # loads all services before the guard is armed
    guard, asset = Guard(), apprise.AppriseAsset(service_timeout=task.timeout_seconds, **_ASSET)
    guard.arm()
    service = apprise.Apprise.instantiate(url, asset=asset)
    if service is None:
        return _refused("the address can't be read as one of apprise's; it is not shown here")
    scheme = str(service.schema)
    own = [entry for entry in entries if entry.scheme == scheme]
    if not own:
        return _refused(_not_allowed(scheme))
    guard.only(own)
    service.redirects = service.optional = service.interpret_emojis = False
    service.retry = 0
    service.overflow_mode = apprise.OverflowMode.TRUNCATE
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    result = sender.notify(
        body=task.body,
        title=task.title,
        notify_type=_TYPES[task.severity],
        body_format="text",
    )
    if guard.refused is not None:
        return _off_the_list(guard.refused, scheme)
    if result:
        return Outcome(delivered=True)
    said = [entry.message for entry in result.logs() if entry.message]
    told = said[-1] if said else "it gave no answer in time"
    shown = [*_PLAIN_WORDS, *(entry.host for entry in entries)]
    failure = f"{service.service_name}: {without_secrets(told, url, shown)}"
    return Outcome(delivered=False, failure=failure)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object, **kwargs: object) -> None:
        """None is followed."""


def _asked(task: Task, url: str, entries: tuple[Allowed, ...]) -> Outcome:
    scheme = urlsplit(url).scheme.lower()
    if scheme not in ("http", "https"):
        return _refused("the heartbeat's address is neither https:// nor http://")
    opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler())
    guard = Guard()
    guard.arm()
    guard.only([entry for entry in entries if entry.scheme == scheme])
    try:
        with opener.open(url, timeout=task.timeout_seconds) as answer:
            answer.read(1024)
    except (OSError, HTTPException, ValueError) as error:
        if guard.refused is not None:
            return _off_the_list(guard.refused, scheme)
        status = f"HTTP {error.code}" if isinstance(error, urllib.error.HTTPError) else "no answer"
        return Outcome(delivered=False, failure=f"the heartbeat's address: {status}")
    return Outcome(delivered=True)


def _not_allowed(scheme: str) -> str:
    if scheme in LOCAL:
        return f"{scheme}:// reaches this machine and no host: it is never allowed"
    return f"{scheme}:// is not allowed: add {scheme}://HOST to allow in alerts.yaml"


def _off_the_list(what: str, scheme: str) -> Outcome:
    if " " in what:
        return _refused(f"{scheme}:// wants {what}, which is never allowed")
    remedy = f"add {scheme}://{what} to allow in alerts.yaml if it is meant"
    return _refused(f"{what} is not allowed, nothing was sent there: {remedy}")


def _refused(why: str) -> Outcome:
    return Outcome(delivered=False, failure=why, passing=False)


if __name__ == "__main__":
    child_main(run)
    os._exit(0)  # a thread that waits for an answer which nobody waits for is not waited for
