"""Reading YAML into pydantic models, with errors that name file, line and field.

YAML 1.2 scalars are used (``no`` and ``12:30`` stay strings). Duplicate keys, keys that are no plain words,
self-referencing aliases, alias bombs and bottomless nesting are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
import yamlcore
from pydantic import BaseModel, ValidationError

from coach.errors import BankError

ModelT = TypeVar("ModelT", bound=BaseModel)
Location = tuple[str | int, ...]
Describe = Callable[[Any, Location], str]

_MAX_NODES = 200_000
#: Far deeper than any file of ours; the parser's own recursion ends the process near 100,000.
_MAX_DEPTH = 50


class Positions:
    """Where keys and values of a YAML document lie, as 1-based (line, column) by their path."""

    def __init__(self, name: str) -> None:
        self.name = name
        #: Says in words what lies at a location, such as ``question 'dicom-standard': ``.
        self.describe: Callable[[Location], str] = lambda location: ""
        self.values: dict[Location, tuple[int, int]] = {}
        self.keys: dict[Location, tuple[int, int]] = {}

    def find(self, location: Location, error_type: str) -> tuple[int, int]:
        """Return the best position for a pydantic error location."""
        if error_type == "extra_forbidden" and location in self.keys:
            return self.keys[location]
        while location and location not in self.values:
            location = location[:-1]
        return self.values.get(location, (1, 1))

    def complaint(self, location: Location, what: str, error_type: str = "") -> str:
        """Return one line that says where something is wrong, and what."""
        line, column = self.find(location, error_type)
        field = ".".join(map(str, location)) or "document"
        return f"{self.name}:{line}:{column}: {self.describe(location)}{field}: {what}"


def read_text(path: Path, kind: str) -> str:
    """Return the file's text (UTF-8, byte-order mark allowed); raises BankError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BankError(f"{path}: there is no such {kind}", "Check the path.") from None
    except UnicodeDecodeError as error:
        raise BankError(f"{path}: not UTF-8 text (byte {error.start})", "Save the file as UTF-8.") from None
    except OSError as error:
        raise BankError(f"{path}: cannot be read ({error.strerror})", "Check the path and its permissions.") from None


def parse_yaml(text: str, name: str) -> tuple[Any, Positions]:
    """Parse YAML text; return the plain data and the position of every key and value."""
    try:
        _refuse_deep_nesting(text, name)
        return _compose(text, name)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        what = error.problem or error.context or "it cannot be read"
        if what.startswith("but ") and error.context:
            what = f"{error.context} {what}"
        if "nesting depth" in what:
            raise _too_deep(name, line) from None
        raise BankError(
            f"{name}:{line}: not valid YAML: {what}",
            "Quote text that contains ': ' or '#', and check the indentation.",
        ) from None
    except RecursionError:
        raise BankError(
            f"{name}: an alias refers to itself", "Write the values out instead of using aliases."
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        what = " ".join(str(error).split())
        raise BankError(f"{name}: not valid YAML: {what}", "Check the file in an editor with YAML support.") from None


def _refuse_deep_nesting(text: str, name: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yamlcore.CCoreLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise _too_deep(name, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(name: str, line: int) -> BankError:
    """Return the one error for our own limit and for that of newer parsers, which look further ahead than ours."""
    return BankError(f"{name}:{line}: nested more than {_MAX_DEPTH} levels deep", "Check the brackets.")


def _compose(text: str, name: str) -> tuple[Any, Positions]:
    loader = yamlcore.CCoreLoader(text)
    positions = Positions(name)
    try:
        node = loader.get_single_node()
        if node is None:
            raise BankError(f"{name}: the file is empty", "Write it as the shipped files are written.")
        _walk(node, (), positions, [0])
        return loader.construct_document(node), positions
    finally:
        loader.dispose()


def _walk(node: yaml.Node, path: Location, positions: Positions, visited: list[int]) -> None:
    name = positions.name
    visited[0] += 1
    if visited[0] > _MAX_NODES:
        raise BankError(f"{name}: too many nodes (nested aliases?)", "Write the values out instead of using aliases.")
    positions.values.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BankError(f"{name}:{line}: a key must be a plain word", "Check the colons and brackets.")
            if key.value in seen:
                raise BankError(f"{name}:{line}: the key {key.value!r} stands twice", "Remove one of them.")
            seen.add(key.value)
            positions.keys[(*path, key.value)] = (line, key.start_mark.column + 1)
            _walk(value, (*path, key.value), positions, visited)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _walk(value, (*path, index), positions, visited)


def load_model(model: type[ModelT], text: str, name: str, describe: Describe | None = None) -> tuple[ModelT, Positions]:
    """Validate YAML text against a model; raises BankError with one line for every problem.

    ``describe`` may turn (data, location) into words such as ``question 'dicom-standard': ``.
    """
    data, positions = parse_yaml(text, name)
    if describe:
        positions.describe = lambda location: describe(data, location)
    try:
        return model.model_validate(data), positions
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        lines = dict.fromkeys(positions.complaint(it["loc"], it["msg"], it["type"]) for it in problems)
        raise BankError(
            "\n".join(lines), "Correct these fields; the schema files under schemas/ list what is allowed."
        ) from None
