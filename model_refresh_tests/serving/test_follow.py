"""Following the champion log: a new version takes over whole, or the last good one stays."""

import asyncio
import datetime as dt
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.types import ASGIApp

from model_refresh.errors import CorruptError
from model_refresh.records import Entry
from model_refresh.scorer.formula.formula import Formula, Input
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.answers import Scorer
from model_refresh.scorer.http.app import make_app
from model_refresh.scorer.http.served import Served, Serving
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.live import follow
from model_refresh.serving.live.follow import Follower, ScorerOf
from model_refresh.serving.live.process import following
from model_refresh.serving.live.shadow import find_shadow, require_same_row
from model_refresh.serving.production import scorer_of
from model_refresh.storage import ModelStore, Store
from model_refresh_tests.lab import Lab
from model_refresh_tests.scorer.client import JSON, asked, get, post
from model_refresh_tests.scorer.factories import ROW, chance, make_formula, make_golden

AS_OF = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
FORMULAS = {
    letter * 16: make_formula(artifact=letter * 64, level=-float(place))
    for place, letter in enumerate("abcd")
}
A, B, C, D = FORMULAS
Loaded = Callable[[str], tuple[bytes, bytes]]


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store in which nothing has happened yet."""
    return Store(tmp_path).model("churn")


def test_without_a_champion_nothing_is_served_and_the_reason_is_told(store: ModelStore) -> None:
    follower, app = _following(store)
    follower.look()
    reply = post(app, "/score", ROW)
    assert reply.status == 503
    assert "churn has no champion yet" in reply.json["detail"]


def test_the_first_champion_is_served_from_when_it_counts(store: ModelStore) -> None:
    follower, app = _following(store)
    follower.look()
    _crown(store, A)
    follower.look()
    assert post(app, "/score", ROW).json["score"] == chance(FORMULAS[A], ROW)
    told = get(app, "/model").json
    assert (told["version"], told["digest"]) == (A, FORMULAS[A].artifact)
    assert told["since"] == AS_OF.isoformat()


def test_a_promotion_and_a_rollback_are_followed(store: ModelStore) -> None:
    follower, app = _following(store)
    for version in (A, B, A, C):
        _crown(store, version)
        follower.look()
        answer = post(app, "/score", ROW).json
        assert (answer["version"], answer["score"]) == (version, chance(FORMULAS[version], ROW))


def test_the_same_version_again_is_not_loaded_again(store: ModelStore) -> None:
    loaded: list[str] = []
    follower, app = _following(store, loaded=loaded)
    _crown(store, A)
    follower.look()
    _crown(store, A, as_of=AS_OF + dt.timedelta(days=7))
    follower.look()
    assert loaded == [A]
    assert get(app, "/model").json["since"] == "2026-03-09T00:00:00+00:00"


def test_looking_costs_nothing_while_nothing_happens(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_SETTLED_SECONDS", -1.0)
    follower, _ = _following(store)
    _crown(store, A)
    follower.look()
    monkeypatch.setattr(Follower, "_newest", _never)
    follower.look()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda _: _raise(CorruptError("golden.json was damaged: restore it")), "was damaged"),
        (lambda _: _raise(OSError("stale file handle")), "stale file handle"),
        (lambda version: (b"{}", _scorer(version)[1]), "no formula that this scorer reads"),
        (lambda version: (_scorer(version)[0], b"[]"), "no golden rows that this scorer reads"),
        (lambda version: _scorer(version, off=1e-6), "1 of 3 golden rows otherwise than its batch"),
        (lambda _: _scorer(C), "is not of the artifact that entry 2 of the champion log names"),
        (lambda version: (_scorer(version)[0], _scorer(A)[1]), "no golden rows of its own"),
    ],
    ids=["damaged", "unreadable", "no formula", "no golden", "off", "another", "mixed"],
)
def test_a_new_champion_that_can_not_take_over_leaves_the_last_good_one(
    store: ModelStore,
    damage: Loaded,
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    follower, app = _following(store, {B: damage})
    _crown(store, A)
    follower.look()
    _crown(store, B)
    follower.look()
    follower.look()
    assert post(app, "/score", ROW).json["version"] == A
    for path in ("/ready", "/model"):
        reply = get(app, path)
        assert (reply.status, reply.json["version"]) == (200, A)
        assert reply.json["next"]["version"] == B
        assert told in reply.json["next"]["problem"]
    assert [
        told in record.message for record in caplog.records if record.levelname == "WARNING"
    ] == [True]


def test_a_first_champion_that_is_damaged_is_not_served_and_is_told(store: ModelStore) -> None:
    follower, app = _following(store, {A: lambda version: _scorer(version, off=1.0)})
    _crown(store, A)
    follower.look()
    for reply in (get(app, "/ready"), post(app, "/score", ROW)):
        assert reply.status == 503
        assert "golden rows otherwise than its batch" in reply.json["detail"]


def test_a_restored_champion_takes_over_later(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    damages: dict[str, Loaded] = {B: lambda version: _scorer(version, off=1.0)}
    follower, app = _following(store, damages)
    _crown(store, A)
    _crown(store, B)
    follower.look()
    damages.clear()
    monkeypatch.setattr(follow, "AGAIN_SECONDS", -1.0)
    follower.look()
    assert get(app, "/ready").json["version"] == B


def test_a_good_champion_ends_the_problem_of_the_one_before(store: ModelStore) -> None:
    follower, app = _following(store, {B: lambda version: _scorer(version, off=1.0)})
    for version in (A, B, C):
        _crown(store, version)
        follower.look()
    told = get(app, "/ready").json
    assert told["version"] == C
    assert "next" not in told


def test_a_damaged_log_leaves_the_last_good_one(store: ModelStore) -> None:
    follower, app = _following(store)
    _crown(store, A)
    follower.look()
    _crown(store, B)
    store.champion.path(2).write_bytes(b"{}")
    follower.look()
    told = get(app, "/ready").json
    assert told["version"] == A
    assert told["next"]["version"] is None
    assert "00000002.json" in told["next"]["problem"]


def test_a_version_that_was_rolled_back_while_it_was_loaded_never_answers(
    store: ModelStore,
) -> None:
    seen: list[str] = []

    def load(version: str) -> tuple[bytes, bytes]:
        _crown(store, A)
        return _scorer(version)

    follower, app = _following(store, {B: load})
    _crown(store, A)
    follower.look()
    _crown(store, B)
    for _ in range(2):
        follower.look()
        seen.append(get(app, "/ready").json["version"])
    assert seen == [A, A]


def test_swaps_under_load_lose_no_request_and_mix_no_version(store: ModelStore) -> None:
    follower, app = _following(store)
    _crown(store, A)
    follower.look()
    swapping = threading.Thread(target=_swap, args=(store, follower, 25))
    seen = set[str]()

    async def bombard() -> int:
        swapping.start()
        rounds = 0
        while swapping.is_alive():
            replies = await asyncio.gather(*(_ask(app, number) for number in range(12)))
            seen.update(replies)
            rounds += 1
        return rounds

    rounds = asyncio.run(bombard())
    swapping.join()
    assert rounds > 0
    assert len(seen) > 1
    assert get(app, "/ready").json["version"] == FORMULAS[_newest(store)].version


def test_a_loop_follows_by_itself(store: ModelStore) -> None:
    follower, app = _following(store)

    async def live() -> str:
        task = asyncio.create_task(follower.follow(every=0.01))
        _crown(store, D)
        while (await asked(app, "GET", "/ready")).status != 200:
            await asyncio.sleep(0.01)
        task.cancel()
        return str((await asked(app, "GET", "/ready")).json["version"])

    assert asyncio.run(asyncio.wait_for(live(), 30)) == D


def test_a_real_champion_is_served_with_the_scores_of_its_batch(lab: Lab) -> None:
    serving = Serving()
    Follower(lab.store, serving, Settings(), scorer_of).look()
    assert serving.now is not None, serving.problem
    newest = lab.store.champion.last()
    assert newest is not None
    assert serving.now.digest == newest.record.artifact
    assert serving.now.golden_rows > 50
    assert serving.now.furthest <= 1e-9


def test_the_challenger_that_lost_stands_beside_the_champion(lab: Lab) -> None:
    newest, compared = lab.store.champion.last(), lab.store.comparisons(lab.day(11)).last()
    assert newest is not None
    assert compared is not None
    assert find_shadow(lab.store, newest.record) == compared.record.trial
    serving = Serving()
    Follower(lab.store, serving, Settings(), scorer_of, shadow=True).look()
    assert serving.shadow_problem is None
    assert serving.shadow is not None
    assert serving.shadow.version == compared.record.trial


def test_nobody_stands_beside_where_nothing_was_compared(store: ModelStore) -> None:
    follower, app = _following(store, shadow=True)
    _crown(store, A)
    follower.look()
    assert get(app, "/model").json["shadow"] == {"version": None, "problem": None}


def test_a_shadow_that_is_damaged_takes_nothing_away(lab: Lab) -> None:
    serving = Serving()

    def load(store: ModelStore, version: str) -> tuple[bytes, bytes]:
        if serving.now is not None:
            raise CorruptError("formula.json was damaged")
        return scorer_of(store, version)

    Follower(lab.store, serving, Settings(), load, shadow=True).look()
    assert serving.now is not None
    assert serving.shadow is None
    assert serving.shadow_problem == "formula.json was damaged"


def test_a_shadow_that_needs_other_inputs_is_none() -> None:
    champion = FORMULAS[A]
    wider = msgspec.structs.replace(champion, inputs=(*champion.inputs, Input("more", "number")))
    require_same_row(champion, wider)
    with pytest.raises(Exception, match="needs more, which the champion's rows don't have"):
        require_same_row(wider, champion)


def test_a_shadow_that_another_champion_does_not_fit_goes_in_the_same_step(
    store: ModelStore,
) -> None:
    follower, _ = _following(store)
    _crown(store, A)
    follower.look()
    champion = FORMULAS[C]
    wider = msgspec.structs.replace(champion, inputs=(*champion.inputs, Input("more", "number")))
    follower.serving.shadow = Served.made(wider, make_golden(wider), Settings())
    _crown(store, B)
    follower.look()
    assert follower.serving.now is not None
    assert follower.serving.now.version == B
    assert follower.serving.shadow is None
    assert "needs more" in (follower.serving.shadow_problem or "")


def test_a_shadow_is_checked_again_whenever_the_champion_changes(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = Serving()
    follower = Follower(lab.store, serving, Settings(), scorer_of, shadow=True)
    follower.look()
    assert serving.now is not None
    assert serving.shadow is not None
    formula = serving.now.scorer.formula
    narrow = Scorer(msgspec.structs.replace(formula, inputs=()), formula.ready(), Settings())
    other = replace(serving.now, scorer=narrow)
    monkeypatch.setattr(Follower, "_served", lambda *_: other)
    follower._seen = ()
    follower.look()
    assert serving.shadow is None
    assert "which the champion's rows don't have" in (serving.shadow_problem or "")


def test_a_shadow_of_another_artifact_than_the_stored_one_is_none(lab: Lab) -> None:
    serving = Serving()

    def load(store: ModelStore, version: str) -> tuple[bytes, bytes]:
        formula, golden = scorer_of(store, version)
        if serving.now is None:
            return formula, golden
        found, rows = Formula.decode(formula), Golden.decode(golden)
        forged = "f" * 64
        return (
            msgspec.structs.replace(found, artifact=forged).encode(),
            msgspec.structs.replace(rows, artifact=forged).encode(),
        )

    Follower(lab.store, serving, Settings(), load, shadow=True).look()
    assert serving.now is not None
    assert serving.shadow is None
    assert "is not of the artifact that is stored" in (serving.shadow_problem or "")


def test_a_stray_folder_among_the_refreshes_stops_nothing(store: ModelStore) -> None:
    follower, app = _following(store, shadow=True)
    (store.root / "refreshes" / "lost+found").mkdir(parents=True)
    _crown(store, A)
    follower.look()
    assert get(app, "/ready").json["version"] == A


def test_a_fault_of_following_is_told_once_and_following_goes_on(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    follower, app = _following(store)
    _crown(store, A)
    follower.look()
    monkeypatch.setattr(follow, "AGAIN_SECONDS", 0.0)

    async def live() -> tuple[str, str]:
        with monkeypatch.context() as broken:
            broken.setattr(Follower, "_stamp", lambda _: _raise(ValueError("out of order")))
            task = asyncio.create_task(follower.follow(every=0.01))
            while "next" not in (told := (await asked(app, "GET", "/ready")).json):
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
        _crown(store, B)
        while (mended := (await asked(app, "GET", "/ready")).json)["version"] != B:
            await asyncio.sleep(0.01)
        task.cancel()
        assert "next" not in mended
        return told["version"], told["next"]["problem"]

    version, problem = asyncio.run(asyncio.wait_for(live(), 30))
    assert (version, "ValueError: out of order" in problem) == (A, True)
    assert sum("out of order" in record.message for record in caplog.records) == 1


def test_a_process_that_follows_no_more_says_that_it_is_not_ready(
    store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, app = _following(store)
    _crown(store, A)
    follower.look()
    assert get(app, "/ready").status == 200

    async def ended(_: Follower) -> None:
        return

    async def live() -> tuple[int, int]:
        monkeypatch.setattr(Follower, "follow", ended)
        async with following(follower)(Starlette()):
            await asyncio.sleep(0.05)
            ready, score = await asked(app, "GET", "/ready"), await asked(app, "GET", "/model")
            return ready.status, score.status

    assert asyncio.run(live()) == (503, 200)
    assert "followed no more" in get(app, "/ready").json["detail"]


def _following(
    store: ModelStore,
    damages: Mapping[str, Loaded] | None = None,
    *,
    loaded: list[str] | None = None,
    shadow: bool = False,
) -> tuple[Follower, ASGIApp]:
    """A follower of the store, and the app that it keeps fed; `loaded` hears what it loads."""

    def load(_: ModelStore, version: str) -> tuple[bytes, bytes]:
        if loaded is not None:
            loaded.append(version)
        return (damages or {}).get(version, _scorer)(version)

    serving, settings = Serving(), Settings()
    source: ScorerOf = load
    follower = Follower(store, serving, settings, source, shadow=shadow)
    return follower, make_app(serving, settings)


def _scorer(version: str, *, off: float = 0.0) -> tuple[bytes, bytes]:
    formula: Formula = FORMULAS[version]
    return formula.encode(), make_golden(formula, off=off).encode()


def _crown(store: ModelStore, version: str, *, as_of: dt.datetime = AS_OF) -> None:
    """A new entry of the champion log."""
    newest = store.champion.last()
    number = newest.number + 1 if newest else 1
    entry = Entry(
        number=number,
        prev=newest.record.digest() if newest else None,
        kind="override",
        as_of=as_of,
        version=version,
        artifact=FORMULAS[version].artifact,
        trial=None,
        who="ann",
        reason="a test",
    )
    assert store.champion.append(entry, number=number)


def _swap(store: ModelStore, follower: Follower, times: int) -> None:
    for time in range(times):
        _crown(store, list(FORMULAS)[time % len(FORMULAS)])
        follower.look()


async def _ask(app: ASGIApp, number: int) -> str:
    """One request, of a row or of a batch; its answer is whole, and of the version that it names."""
    rows = [ROW | {"visits": number}, ROW | {"visits": number + 1}] * 50
    is_batch = number % 3 == 0
    content = {"rows": rows} if is_batch else rows[0]
    path = "/score-batch" if is_batch else "/score"
    reply = await asked(app, "POST", path, parts=[msgspec.json.encode(content)], headers=JSON)
    assert reply.status == 200
    answer = reply.json
    formula = FORMULAS[answer["version"]]
    assert answer["digest"] == formula.artifact
    scores = [each["score"] for each in answer["scores"]] if is_batch else [answer["score"]]
    expected = [chance(formula, row) for row in rows[:2]]
    assert set(scores) == set(expected if is_batch else expected[:1])
    return str(answer["version"])


def _newest(store: ModelStore) -> str:
    line = store.champion.last()
    assert line is not None
    return line.record.version


def _raise(error: Exception) -> tuple[bytes, bytes]:
    raise error


def _never(_: Follower) -> Entry | None:
    raise AssertionError("the log was read although nothing had happened")
