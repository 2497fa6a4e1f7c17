"""Everything that model_refresh raises on purpose.

ModelRefreshError
├── ConfigError            a declaration is wrong; carries every problem of every model
├── DataError              a check on data failed; trying again won't help
│   └── NotDue             nothing new has matured, or too few frames yet: not a fault
├── EngineError            a query was refused or failed
│   └── EngineBusy         the engine is locked by another process: worth another try
├── StoreError             the store could not do what was asked
│   ├── StoreWriteError    disk full, I/O error: nothing was published; worth another try
│   ├── NotStored          there is no such thing
│   ├── Leased             another refresh of this model is under way: worth another try
│   └── CorruptError       bytes differ from their digest
├── SinkError              a sink refused a batch, which is published all the same
│   └── SinkUnreachable    it is locked, full or out of reach: worth another try
├── FitError               a candidate could not be fitted; the others go on
├── Contaminated           a version would be judged on rows that it has learned from
└── PromotionRefused       the champion stays, with the reason
    └── VerdictVoid        the champion changed since the verdict: judge against the new one

A message says what was met, what is accepted, where, and what to do.
"""


class ModelRefreshError(Exception):
    """Base of the tree; `transient` says whether trying again may help."""

    transient = False


def sentence_of(error: BaseException) -> str:
    """Its sentence; of an error that is none of ours its kind too."""
    return (
        str(error) if isinstance(error, ModelRefreshError) else f"{type(error).__name__}: {error}"
    )


class ConfigError(ModelRefreshError):
    """One or more declarations are wrong; one line a problem, `file:line:column message`."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class DataError(ModelRefreshError):
    """A check on data failed before training; `check` is the check's name."""

    def __init__(self, sentence: str, *, check: str = "data") -> None:
        self.check = check
        super().__init__(sentence)


class NotDue(DataError):
    """There is nothing to refresh from yet; the sentence names the first possible date."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, check="due")


class EngineError(ModelRefreshError):
    """A query was refused or failed; the message names the query's file."""


class EngineBusy(EngineError):
    """The database is locked by another process."""

    transient = True


class StoreError(ModelRefreshError):
    """The store could not do what was asked."""


class StoreWriteError(StoreError):
    """Writing failed (disk full, I/O error); nothing was published."""

    transient = True


class NotStored(StoreError):
    """The store holds no such thing."""


class Leased(StoreError):
    """Another refresh of the model is under way; `holder` says whose, in words."""

    transient = True

    def __init__(self, sentence: str, holder: str = "") -> None:
        self.holder = holder
        super().__init__(sentence)


class CorruptError(StoreError):
    """Stored bytes differ from their digest; the message names the file."""


class SinkError(ModelRefreshError):
    """A sink refused a batch; the store has it all the same."""


class SinkUnreachable(SinkError):
    """A sink is locked, full or out of reach; it has what it had before."""

    transient = True


class FitError(ModelRefreshError):
    """A candidate could not be fitted."""


class Contaminated(ModelRefreshError):
    """A version would be judged on frames older than its known_at (the law of time)."""


class PromotionRefused(ModelRefreshError):
    """The champion log was not touched; the message is the reason."""


class VerdictVoid(PromotionRefused):
    """The verdict was given against a champion that is no longer champion."""
