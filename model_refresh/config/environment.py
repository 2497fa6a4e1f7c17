"""`${NAME}` in where data comes from and goes to is taken from the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from model_refresh.config.messages import Problem, dotted, shown
from model_refresh.config.reader import Path

_VARIABLE = re.compile(r"\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Filling:
    """Fills variables into the text of a value, and keeps what it met on the way.

    `written` is the filled text -> the text as it was written: what is shown in its place, since
    an environment may hold secrets.
    """

    environment: Mapping[str, str]
    written: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def fill(self, value: object, path: Path) -> object:
        """The value with every `${NAME}` in its text filled in; keys stay as they are."""
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, number)) for number, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        filled = _VARIABLE.sub(lambda match: self._value(match, path), value)
        self.written[filled] = value
        return filled

    def unfilled(self, message: str) -> str:
        """A message with each filled text, whole or cut, as it was written."""
        for filled, written in self.written.items():
            for told in (repr(filled), shown(filled)):
                message = message.replace(told, repr(written))
        return message

    def _value(self, match: re.Match[str], path: Path) -> str:
        name = match[1]
        if not match[0].endswith("}") or not _NAME.fullmatch(name):
            message = f"{dotted(path)}: {match[0]!r} is no variable; accepted: ${{NAME}}"
        elif name in self.environment:
            return self.environment[name]
        else:
            message = f"{dotted(path)}: the environment has no {name}; set it, or give the value"
        self.problems.append(Problem(path, message))
        return match[0]
