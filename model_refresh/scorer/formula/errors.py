"""What the scorer refuses, and why.

ScorerError
├── FormulaError         a formula that can't be read
├── RefusedValue         a row whose value of one field can't be scored
└── ReasonsUnavailable   reasons asked of a formula that has none
"""


class ScorerError(Exception):
    """The base of all; its text is one sentence for whoever asked."""


class FormulaError(ScorerError):
    """The bytes are no formula that this scorer reads."""


class RefusedValue(ScorerError):
    """A row's value that can't be scored; `field` names the input, `problem` says what is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        self.field, self.problem = field, problem
        super().__init__(f"{field}: {problem}")


class ReasonsUnavailable(ScorerError):
    """No one number tells what a feature adds: a multiclass formula, or one with such a member."""
