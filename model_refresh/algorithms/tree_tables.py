"""The tables of trees as a library's own format is read into them, one tree after another."""

from dataclasses import dataclass, field

from model_refresh.scorer.formula.trees import Trees


@dataclass
class TreeTables:
    """The tables of one output as they grow; see `Trees` for what each holds."""

    columns: int
    start: float = 0.0
    single: bool = False
    roots: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)
    flags: list[int] = field(default_factory=list)
    leaves: list[float] = field(default_factory=list)
    node_covers: list[float] = field(default_factory=list)
    leaf_covers: list[float] = field(default_factory=list)
    set_starts: list[int] = field(default_factory=lambda: [0])
    set_words: list[int] = field(default_factory=list)

    def made(self) -> Trees:
        """The tables as a value."""
        tables = {name: tuple(each) for name, each in vars(self).items() if isinstance(each, list)}
        return Trees(columns=self.columns, start=self.start, single=self.single, **tables)
