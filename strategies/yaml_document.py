"""YAML with ``${ENV}`` substitution that remembers on which line everything stood.

Stricter than YAML 1.1 where that bites: a key may stand once, only ``true`` and ``false`` are truth values (``off`` is
a word that strategies use), and a number with a point is a ``Decimal``, for prices have more digits than a float.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

# $${ is a plain ${; the default applies when the variable is unset or empty, as in a shell.
_VARIABLE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}")
_BOOLEAN, _FLOAT = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:float"
_MAPPING, _SEQUENCE = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


@dataclass(frozen=True, slots=True)
class Fault:
    """``path`` is dotted from the top (``bots.eth-grid.config.lower``)."""

    path: str
    message: str
    value: str = ""


@dataclass(slots=True)
class YamlDocument:
    """``lines`` maps each path to the line, from 1, on which its value (for a mapping: its key) stood."""

    data: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line_of(self, path: str) -> int | None:
        """The line of ``path``, or of the nearest thing around it."""
        while path not in self.lines and "." in path:
            path = path.rpartition(".")[0]
        return self.lines.get(path)


_DECIMAL = re.compile(r"[-+]?\d+\.\d*(?:[eE][-+]?\d+)?\Z")


class _Loader(yaml.SafeLoader):
    """Resolves ``true`` and ``false`` only."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def read_yaml(text: str, *, environ: Mapping[str, str]) -> YamlDocument:
    """Never raises: what is wrong stands in ``faults``, all of it at once as far as the text can be read."""
    document = YamlDocument()
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is not None:
            document.data = _Reader(loader, environ, document).value(node, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        document.faults.append(Fault("", f"This is not YAML{where}: {error.problem or error.context}."))
    except yaml.YAMLError as error:
        document.faults.append(Fault("", f"This is not YAML: {error}."))
    return document


class _Reader:
    def __init__(self, loader: _Loader, environ: Mapping[str, str], document: YamlDocument) -> None:
        self._loader = loader
        self._environ = environ
        self._document = document
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: str) -> Any:
        self._document.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (_MAPPING, _SEQUENCE):
            self._fault(path, f"The tag {node.tag} is not understood; write plain values.")
            return None
        if id(node) in self._open:
            self._fault(path, "An alias must not stand inside of what it stands for.")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            assert isinstance(node, yaml.SequenceNode)
            return [self.value(item, _join(path, str(number))) for number, item in enumerate(node.value)]
        finally:
            self._open.remove(id(node))

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        own = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode) and key.value != "<<"]
        for name in sorted({name for name in own if own.count(name) > 1}):
            self._fault(_join(path, name), f"{name} stands here {own.count(name)} times; keep one.")
        # Brings in what "<<: *anchor" names, before the mapping's own keys.
        self._loader.flatten_mapping(node)
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(path, "A key must be a word.")
                continue
            here = _join(path, key.value)
            self._document.lines[here] = key.start_mark.line + 1
            found[key.value] = self.value(item, here)
        return found

    def _scalar(self, node: yaml.ScalarNode, path: str) -> Any:
        if "${" not in node.value:
            return self._constant(node, path)
        # What comes from the environment stays text: an API key of digits is not a number.
        return _VARIABLE.sub(lambda match: self._variable(match, path), self._refuse_malformed(node.value, path))

    def _constant(self, node: yaml.ScalarNode, path: str) -> Any:
        if node.tag == _FLOAT and _DECIMAL.match(node.value):
            return Decimal(node.value)
        try:
            return self._loader.construct_object(node)
        except yaml.constructor.ConstructorError:
            self._fault(path, f"The tag {node.tag} is not understood; write plain values.")
            return None

    def _refuse_malformed(self, text: str, path: str) -> str:
        if "${" in _VARIABLE.sub("", text):
            self._fault(path, f"{text!r} is neither ${{NAME}} nor ${{NAME:-default}}; a plain ${{ is written $${{.")
        return text

    def _variable(self, match: re.Match[str], path: str) -> str:
        if match["escaped"]:
            return "${"
        value = self._environ.get(match["name"], "")
        if value:
            return value
        if match["default"] is None:
            name = match["name"]
            self._fault(
                path, f"The environment variable {name} is not set. Set it, or give a default: ${{{name}:-default}}."
            )
        return match["default"] or ""

    def _fault(self, path: str, message: str) -> None:
        self._document.faults.append(Fault(path, message))


def _join(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part
