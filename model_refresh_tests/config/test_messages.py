"""Each problem says where it is, what was met, what is accepted, and the likely name."""

from pathlib import Path

import pytest

from model_refresh.config.folder import read_model

MODEL = """\
name: m
task: binary
source: {engine: duckdb, tables: {t: t.csv}}
frame: {key: id, every: 7d, start: 1997-03-03}
label: {column: y, horizon: 28d}
"""


def problems_of(tmp_path: Path, text: str) -> list[str]:
    home = tmp_path / "m"
    home.mkdir(exist_ok=True)
    (home / "model.yaml").write_text(text)
    (home / "features.sql").write_text("SELECT 1 AS id")
    return [p.split("model.yaml:")[1] for p in read_model(home, environment={}).problems]


def test_the_smallest_declaration_has_no_problem(tmp_path: Path) -> None:
    assert problems_of(tmp_path, MODEL) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("traning: {window: 4}", "6:1 traning is not known; accepted: name, for_each, description, owners, "
         "task, source, frame, label, columns, training, comparison, gates, checks, champion, "
         "scores, deploy, realtime, approval, schedule, triggers, monitoring, runs, report, did you mean 'training'?"),
        ("window: 4", "did you mean training.window?"),
        ("training: {windw: 4}", "6:12 training.windw is not known; accepted: window, min_frames, "
         "holdout, validation, folds, half_life, blend, calibration, features, refit, candidates, "
         "tuning, limits, seed, did you mean 'window'?"),
        ("training:\n  tuning:\n    trails: 4", "8:5 training.tuning.trails is not known; "
         "accepted: trials, seconds, widen_every, did you mean 'trials'?"),
        ("training: {window: 0}", "6:20 training.window: 0 is not accepted; accepted: a whole "
         "number of frames from 1 to 10000, or a list of such to choose among"),
        ("training: {window: 8.5}", "6:20 training.window: 8.5 is not accepted"),
        ("training: {window: '8'}", "6:20 training.window: '8' is not accepted"),
        ("training: {window: true}", "6:20 training.window: True is not accepted"),
        ("training: {window: [4, 0]}", "6:20 training.window: 0 is not accepted"),
        ("training: {window: [4, 4]}", "6:20 training.window: a list of lengths has at least one, "
         "and each only once"),
        ("training: {window: []}", "6:20 training.window: a list of lengths has at least one"),
        ("training: {window: [8, 2], min_frames: 3}",
         "6:40 training.min_frames is 3; accepted: at most training.window, 2"),
        ("training: {folds: 0}", "6:19 training.folds is 0: it must be greater than or equal to 1"),
        ("training: {half_life: [7d, 7d]}",
         "6:23 training.half_life: a length is listed twice; list it once"),
        ("training: {calibration: beat}", "6:25 training.calibration is 'beat'; accepted: auto, "
         "none, platt, beta, isotonic, line, did you mean 'beta'?"),
        ("training: {calibration: line}", "6:25 training.calibration is 'line'; accepted: auto, "
         "none, platt, beta, isotonic (task: binary)"),
        ("training: {tuning: {widen_every: 0}}", "6:34 training.tuning.widen_every is 0: it must"),
        ("training: {candidates: [{algorithm: linear}, {algorithm: ensemble, members: 1}]}",
         "6:77 training.candidates[1].members is 1: it must be greater than or equal to 2"),
        ("training: {candidates: [{algorithm: linear}, {algorithm: recalibrated, method: line}]}",
         "6:46 training.candidates[1]: method is 'line'; accepted: platt, beta, isotonic"),
        ("training: {refit: yes}", "6:19 training.refit is 'yes': it must be a valid boolean"),
        ("training: null", "6:11 training is null: it must be a mapping"),
        ("training: {candidates: [{algorithm: lightgbn}]}", "6:37 "
         "training.candidates[0].algorithm is 'lightgbn'; accepted: {algorithms}, "
         "did you mean 'lightgbm'?"),
        ("training: {candidates: [{}]}", "6:25 training.candidates[0].algorithm is missing; "
         "accepted: {algorithms}"),
        ("training: {candidates: []}", "6:24 training.candidates is a list: it must have at least "
         "1 item"),
        ("training: {candidates: [{algorithm: constant}, {algorithm: linear}, "
         "{algorithm: linear}]}",
         "6:69 training.candidates[2]: linear is listed already; list it once"),
        ("training: {candidates: [{algorithm: constant}]}", "6:24 training.candidates has nothing "
         "but constant: list an algorithm too, such as lightgbm. The constant is a yardstick that "
         "is never promoted, and the others are made of algorithms"),
        ("training: {candidates: [{algorithm: ensemble}, {algorithm: recalibrated}]}", "6:24 "
         "training.candidates has nothing but ensemble and recalibrated: list an algorithm too"),
        ("training: {window: 2, min_frames: 3}",
         "6:35 training.min_frames is 3; accepted: at most training.window, 2"),
        ("training: {window: 2, validation: 3}",
         "6:35 training.validation is 3; accepted: at most training.window, 2"),
        ("comparison: {metric: logloss}", "6:22 comparison.metric is 'logloss'; accepted: "
         "{metrics}, did you mean 'log_loss'? (task: binary)"),
        ("comparison: {metric: rmse}",
         "6:22 comparison.metric is 'rmse'; accepted: {metrics} (task: binary)"),
        ("comparison: {also: [brier, briar]}", "6:28 comparison.also[1] is 'briar'; accepted: "
         "{metrics}, did you mean 'brier'? (task: binary)"),
        ("gates: [{gate: beat_constant}]", "6:16 gates[0].gate is 'beat_constant'; accepted: "
         "{gates}, did you mean 'beats_constant'?"),
        ("gates: [{gate: absolute, metric: roc_ac, at_least: 0.7}]",
         "6:34 gates[0].metric is 'roc_ac'; accepted: {metrics}, did you mean 'roc_auc'? "
         "(task: binary)"),
        ("gates: [{gate: superior}, {gate: superior}]",
         "6:27 gates[1] is listed already; list it once"),
        ("gates: [{gate: absolute, absolute: 1, metric: roc_auc, at_least: 0.7}]",
         "6:26 gates[0].absolute is not known"),
        ("comparison: {also: [value]}",
         "6:21 comparison.also[0]: value needs comparison.cost_matrix; give it"),
        ("comparison: {cost_matrix: [[0, 2, 1], [40, 0, 1]]}", "6:27 comparison.cost_matrix has 2 "
         "rows of 3 and 3 columns; accepted: 2 rows of 2 columns, one for each class"),
        ("comparison: {cost_matrix: [[0, 2], [40]]}", "6:27 comparison.cost_matrix has 2 rows of "
         "2 and 1 columns; accepted: 2 rows of 2 columns"),
        ("comparison: {cost_matrix: [[0, 2]]}", "6:27 comparison.cost_matrix is a list: it must "
         "have at least 2"),
        ("comparison: {cost_matrix: [[0, .nan], [1, 0]]}", "6:32 .nan is not accepted"),
        ("comparison: {tiers: [0.5, 0.2]}", "6:21 comparison.tiers must rise from one to the next"),
        ("comparison: {slices: [y]}", "6:23 comparison.slices[0] names 'y', which is label.column"),
        ("comparison: {also: [precision@0]}", "6:21 comparison.also[0] is 'precision@0'"),
        ("gates: [{gate: stability, of: tier}]",
         "6:9 gates[0]: of: tier needs comparison.tiers; give them"),
        ("gates: [{gate: value}]", "6:9 gates[0]: value needs comparison.cost_matrix; give it"),
        ("gates: [{gate: superior, metric: roc_auc, by: 1%}]", "6:47 gates[0].by: 1% of"),
        ("columns: {exclude: [a, b, a]}", "6:20 columns.exclude: 'a' is listed twice"),
        ("columns: {categorical: [id]}",
         "6:25 columns.categorical names 'id', which is part of frame.key: no feature"),
        ("columns: {exclude: [c], categorical: [c]}",
         "6:39 columns.categorical names 'c', which is in columns.exclude: no feature"),
        ("columns: {exclude: [' a']}", "6:21 columns.exclude[0]: ' a' is no column name"),
        ("columns: {exclude: ['']}", "6:21 columns.exclude[0] is '': it must have at least 1"),
        ('columns: {exclude: ["a\\u202eb"]}', "has the unprintable character '\\u202e'"),
        ("champion: {max_age: 4w}", "6:21 champion.max_age: '4w' is no duration"),
        ("champion: {max_age: 0d}", "6:21 champion.max_age: 0d is not accepted"),
        ("schedule: {cron: 0 6 * *}", "6:18 schedule.cron: '0 6 * *' has 4 fields"),
        ("schedule: {timezone: ../UTC}", "6:22 schedule.timezone: '../UTC' is no time zone"),
        ("owners: [crm]", "6:10 owners[0] is 'crm': it must match pattern"),
    ],
)  # fmt: skip
def test_a_problem_is_told_at_its_line_and_column(tmp_path: Path, line: str, problem: str) -> None:
    (found,) = problems_of(tmp_path, f"{MODEL}{line}\n")
    computed = {
        "{algorithms}": "catboost, constant, ensemble, forest, lightgbm, linear, naive, "
        "recalibrated, xgboost",
        "{gates}": "absolute, beats_constant, calibration, latency, non_inferior, size, slices, "
        "stability, superior, twin_agreement, value",
    }
    for name, names in computed.items():
        problem = problem.replace(name, names)
    start, _, end = problem.partition("{metrics}")
    assert start in found
    assert found.endswith(end)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("name: m", "name: other", "1:7 name is 'other'; accepted: the folder's name, 'm'"),
        ("name: m", "name: ../m", "1:7 name is '../m': it must match pattern"),
        ("name: m\n", "", "1:1 name is missing: the model's name, which is also its folder's"),
        ("task: binary", "task: binry", "2:7 task is 'binry'; accepted: binary, regression, mult"),
        ("duckdb,", "duckbd,", "3:18 source.engine is 'duckbd'; accepted: duckdb, did you mean"),
        ("{t: t.csv}", "{T-T: t.csv}", "3:35 the name 'T-T': it must match pattern"),
        ("key: id", "key: [id, id]", "4:14 frame.key: 'id' is listed twice"),
        ("key: id", "key: []", "4:14 frame.key is a list: it must have at least 1 item"),
        ("key: id", "key: 3", "4:14 frame.key is 3: it must be a list"),
        ("key: id", "key: y", "5:17 label.column is part of frame.key too"),
        ("key: id, ", "", "4:8 frame.key is missing: the column, or the list of columns"),
        ("every: 7d", "every: 2d", "4:25 frame.every is '2d'; accepted: 1h, 2h"),
        ("1997-03-03", "1997-03-03T06:00", "4:36 frame.start: '1997-03-03T06:00' is no instant"),
        ("1997-03-03", "1997-02-30", "4:36 frame.start: "),
        (
            "1997-03-03",
            "9990-01-01",
            "4:36 frame.start: 9990-01-01 is out of range; accepted: 1700-01-01 to 2200-01-01",
        ),
        ("1997-03-03", "0001-01-01T06:00Z", "4:36 frame.start: 0001-01-01T06:00Z is out of range"),
        ("1997-03-03", "'1997-03-03T06:00:30Z'", "4:36 frame.start: '1997-03-03T06:00:30Z'"),
        ("7d, start: 1997-03-03", "1mo, start: 1997-03-31", "frame.start: start 1997-03-31 is on"),
        ("start", "rows: event, start", "4:35 frame.rows is event: give frame.event_time"),
        ("start", "event_time: e, start", "4:41 frame.event_time is for rows: event"),
        ("horizon: 28d", "horizon: 1mo", "5:29 label.horizon: '1mo' is no duration"),
        ("horizon: 28d", "horizon: 0d", "5:29 label.horizon: 0d is not accepted"),
        ("horizon: 28d", "horizon: 9999d", "5:29 label.horizon: 9999 days, 0:00:00 is out of"),
        ("28d", "28d, missing: 0.5", "5:43 label.missing is 0.5; accepted for a binary task"),
        ("28d", "28d, missing: skip", "5:43 label.missing: 'skip' is not accepted; accepted: er"),
    ],
)
def test_a_problem_of_a_needed_field_is_told_too(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert MODEL.count(old)
    (found,) = problems_of(tmp_path, MODEL.replace(old, new, 1))
    assert problem in found


def test_events_need_labels_that_are_no_shorter_than_their_window(tmp_path: Path) -> None:
    events = MODEL.replace("every: 7d", "rows: event, event_time: e, every: 1mo")
    assert "label.horizon is 28d; events happen up to 31d after" in problems_of(tmp_path, events)[0]
    assert problems_of(tmp_path, events.replace("28d", "31d")) == []


def test_one_wrong_section_hides_no_problem_of_another(tmp_path: Path) -> None:
    wrong = "training: {window: 0}\ncomparison: {metric: auc}\nframes: 1\n"
    found = problems_of(tmp_path, MODEL.replace("features", "f") + wrong)
    assert [problem.split(" ")[:2] for problem in found] == [
        ["6:20", "training.window:"],
        ["7:22", "comparison.metric"],
        ["8:1", "frames"],
    ]


@pytest.mark.parametrize("text", ["", "[]", "3", "null"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "a mapping is needed" in problems_of(tmp_path, text)[0]


def test_a_long_value_is_cut_in_its_message(tmp_path: Path) -> None:
    (found,) = problems_of(tmp_path, MODEL + f"training: {{window: {'x' * 100_000}}}\n")
    assert len(found) < 300


@pytest.mark.parametrize("method", ["platt", "auto"])
def test_classes_have_no_calibration_to_declare(tmp_path: Path, method: str) -> None:
    classes = MODEL.replace("binary", "multiclass").replace("y, ", "y, classes: [a, b, c], ")
    candidates = "[{algorithm: linear}, {algorithm: recalibrated}]"
    found = problems_of(
        tmp_path, f"{classes}training: {{calibration: {method}, candidates: {candidates}}}\n"
    )
    assert any("candidates[1]: recalibrated serves no multiclass task" in each for each in found)
    assert ("training.calibration is 'platt'; accepted: auto, none" in found[0]) == (
        method != "auto"
    )


def test_lengths_and_half_lives_to_choose_among_are_read(tmp_path: Path) -> None:
    chosen = "training: {window: [4, 8], half_life: [28d, 7d], calibration: auto, folds: 5}\n"
    assert problems_of(tmp_path, MODEL + chosen) == []
