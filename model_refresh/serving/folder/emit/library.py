"""Copying what a generated file calls: functions of this package that need nothing else."""

import ast
import builtins
import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from model_refresh.errors import FitError
from model_refresh.scorer.formula import moments, trees, values
from model_refresh.serving.folder.emit import command, computing

_MODULES = (command, computing, moments, trees, values)
_MATH = frozenset({"inf", "isnan", "nan"})
_OWN = __name__.partition(".")[0]


@dataclass
class Copied:
    """What was copied: import lines, and definitions by name, each after what it needs."""

    imports: set[tuple[str, str]] = field(default_factory=set)
    """Module and name; without a name, how the module is imported."""
    definitions: dict[str, str] = field(default_factory=dict)

    def import_lines(self) -> str:
        """Imports as a formatter sorts them."""
        whole = sorted(f"import {module}" for module, name in self.imports if not name)
        named: dict[str, list[str]] = {}
        for module, name in sorted(self.imports, key=_import_order):
            if name:
                named.setdefault(module, []).append(name)
        return "\n".join(
            [
                *whole,
                *(f"from {module} import {', '.join(names)}" for module, names in named.items()),
            ]
        )

    def text(self) -> str:
        """The definitions as one text."""
        return "\n\n\n".join(self.definitions.values())


@dataclass(frozen=True)
class _Shelf:
    """A module's definitions, as source and as what they name, and where other names are from."""

    name: str
    definitions: dict[str, str]
    names: dict[str, frozenset[str]]
    imports: dict[str, tuple[str, str]]


def library_of(text: str) -> Copied:
    """All that the text names and does not define, and what that needs in turn."""
    copied = Copied()
    body = ast.parse(text)
    own = {name for statement in body.body for name in _defined(statement)}
    for name in sorted(_names(body) - own):
        if name in _MATH:
            copied.imports.add(("math", name))
            continue
        for module in _MODULES:
            if name in (shelf := _shelf(module.__name__)).definitions:
                _copy(name, shelf, copied)
                break
    if "sys" in _names(body):
        copied.imports.add(("sys", ""))
    return copied


def _copy(name: str, shelf: _Shelf, copied: Copied) -> None:
    if copied.definitions.get(name, "") == shelf.definitions[name]:
        return
    if name in copied.definitions:
        raise FitError(f"two functions are named {name}, one of them in {shelf.name}")
    copied.definitions[name] = shelf.definitions[name]
    for each in sorted(shelf.names[name] - {name}):
        if each in shelf.definitions:
            _copy(each, shelf, copied)
        elif each in shelf.imports:
            module, imported = shelf.imports[each]
            root = module.partition(" ")[0].partition(".")[0]
            if root == _OWN:
                _copy(each, _shelf(module), copied)
            elif root in sys.stdlib_module_names:
                copied.imports.add((module, imported))
            else:
                raise FitError(f"{shelf.name}.{name} needs {module}, which is no standard module")
    copied.definitions[name] = copied.definitions.pop(name)


@cache
def _shelf(module: str) -> _Shelf:
    source = inspect.getsource(importlib.import_module(module))
    definitions, names, imports = {}, {}, {}
    for statement in ast.parse(source).body:
        for name, module_of, imported in _imported(statement):
            imports[name] = module_of, imported
        for name in _defined(statement):
            definitions[name] = ast.get_source_segment(source, statement) or ""
            names[name] = frozenset(_names(statement) - {*dir(builtins)})
    return _Shelf(module, definitions, names, imports)


def _imported(statement: ast.stmt) -> Iterator[tuple[str, str, str]]:
    """Each name that an import gives, its module, and its name there; none of a module itself."""
    if isinstance(statement, ast.ImportFrom) and statement.module:
        for each in statement.names:
            yield each.name, statement.module, each.name
    if isinstance(statement, ast.Import):
        for each in statement.names:
            yield each.asname or each.name, ast.unparse(each), ""


def _defined(statement: ast.stmt) -> list[str]:
    """The names that a statement of a module defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.Assign(targets=targets):
            return [
                node.id
                for target in targets
                for node in ast.walk(target)
                if isinstance(node, ast.Name)
            ]
        case _:
            return []


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _import_order(imported: tuple[str, str]) -> tuple[str, int, str]:
    """Constants, classes, functions; each by name."""
    module, name = imported
    return module, 0 if name.isupper() else 1 if name[:1].isupper() else 2, name
