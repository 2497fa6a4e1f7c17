"""YAML to values with places: a strict part of YAML 1.2, and only problems come out of the rest."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from model_refresh.config.reader import MAX_BYTES, Place, read_document


def test_values_come_with_the_place_of_each_key_and_value() -> None:
    document = read_document(b"a: 1\nb:\n  - x\n  - {c: true}\n")
    assert document.value == {"a": 1, "b": ["x", {"c": True}]}
    assert document.problems == []
    assert document.place(("a",)) == Place(1, 4)
    assert document.place(("a",), at_key=True) == Place(1, 1)
    assert document.place(("b", 1, "c")) == Place(4, 9)
    assert document.place(("b", 1, "c"), at_key=True) == Place(4, 6)


def test_what_is_missing_is_placed_at_what_should_hold_it() -> None:
    document = read_document(b"a:\n  b: 1\n")
    assert document.place(("a", "none"), at_key=True) == document.place(("a",)) == Place(2, 3)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0x1f", 31),
        ("0o17", 15),
        ("007", 7),
        ("1.5", 1.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("1%", "1%"),
        ("1997-03-03", "1997-03-03"),
        ("28d", "28d"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("9" * 30, 1e30),
        ("1e999", "1e999"),
    ],
)
def test_plain_text_means_what_the_core_schema_says(text: str, value: object) -> None:
    found = read_document(f"a: {text}".encode()).value
    assert found == {"a": value}
    assert isinstance(found, dict)
    assert type(found["a"]) is type(value)


@pytest.mark.parametrize(
    ("data", "place", "says"),
    [
        (b"a: 1\nb: 2\na: 3", Place(3, 1), "'a' is given twice; it was first given on line 1"),
        (b"a: &x 1\nb: *x", Place(1, 4), "the anchor &x"),
        (b"a: *x", Place(1, 4), "the alias *x"),
        (b"a: !!str 1", Place(1, 4), "the tag"),
        (b"a: !!python/object/apply:os.system [ls]", Place(1, 4), "the tag"),
        (b"a: 1\n---\nb: 2", Place(2, 1), "a second document"),
        (b"%YAML 1.1\n---\na: yes", Place(2, 1), "a directive"),
        (b"? [a]\n: 1", Place(1, 3), "a key that is no text"),
        (b"a: [1, 2", Place(1, 9), "no valid YAML"),
        (b"a: b: c", Place(1, 5), "no valid YAML"),
        (b"a: \xff", Place(1, 4), "byte 0xff is not UTF-8"),
        (b"a: 1\nb: \x00", Place(2, 4), "a NUL character"),
        (b"a: .nan", Place(1, 4), ".nan is not accepted"),
        (b"a: -.inf", Place(1, 4), "-.inf is not accepted"),
        (b'a: "\\ud800"', Place(1, 4), "half a surrogate pair"),
        (b'"\\ud800": 1', Place(1, 1), "half a surrogate pair"),
        (b"[" * 51, Place(1, 51), "nested more than 50 deep"),
        (b"[" * 100_000, Place(1, 51), "nested more than 50 deep"),
        (b"#" * (MAX_BYTES + 1), Place(1, 1), "larger than 1048576 bytes"),
    ],
)
def test_hostile_or_ambiguous_text_is_refused_at_its_place(
    data: bytes, place: Place, says: str
) -> None:
    found, message = read_document(data).problems[0]
    assert found == place
    assert says in message


def test_fifty_levels_are_accepted() -> None:
    assert read_document(b"[" * 50 + b"]" * 50).problems == []


_YAML_BITS = st.lists(
    st.sampled_from(
        [*"{}[]:,-?|>&*!%#'\"@` \n\t\\", "\n  ", ": ", "- ", "a", "name", "<<", "---", "...",
         "%YAML 1.2", "!!binary", "\\x", "\\u12", "0x", "1e5", "é", "\u2028", "\ufeff", "\x85"]
    )
).map("".join)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), _YAML_BITS.map(str.encode), st.text().map(str.encode)))
@example(b"%TAG ! tag:x,2000:\n--- !a")
@example(b'"\\')
@example(b"a: |9\n x")
@example(b"%YAML 9.9\n---\n")
@example(b"? ? ? ?")
def test_only_problems_come_out_of_any_bytes(data: bytes) -> None:
    document = read_document(data)
    assert all(place.line >= 1 and place.column >= 1 and says for place, says in document.problems)


_MODEL_BITS = st.lists(
    st.sampled_from(
        [*"{}[]:,-?|>!#'\"@` \n\\~", "\n  ", "\n    ", ": ", "- ", "a", "name", "1", "true", "é", " #c",
         ">-", "|+", "''", "? ", ": \n", "\\n", "\\x41", "\\/"]
    )
).map("".join)  # fmt: skip


@given(st.one_of(_YAML_BITS, _MODEL_BITS))
@example("a: {b: [1, 'x', \"y\"], c: d}\ne:\n  - f\n  - {g: h}\n")
@example("a: b  # c\n\n'd': \"e\\n\"\n")
@example("a: \n>-#")
@example("---")
@example(":: ")
def test_the_fast_parser_reads_what_the_strict_one_reads(text: str) -> None:
    data = text.encode()
    found = read_document(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("model_refresh.config.reader.fast_events", lambda text: None)
        strict = read_document(data)
    assert found == strict


def test_a_usual_declaration_is_read_by_the_fast_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: str) -> None:
        raise AssertionError(text)

    monkeypatch.setattr("model_refresh.config.reader.strict_events", fail)
    text = "name: churn\ndescription: Wer geht? Ö.  # who\nframe: {key: [a, b], every: 7d}\nx:\n  - '1'\n"
    assert read_document(text.encode()).value == {
        "name": "churn",
        "description": "Wer geht? Ö.",
        "frame": {"key": ["a", "b"], "every": "7d"},
        "x": ["1"],
    }
