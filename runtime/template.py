"""Reads CloudFormation templates and evaluates them without AWS: parameters, conditions, intrinsic functions.

The laptop, the tests and the cloud are built from the same files. What this module cannot evaluate is an error and
never a guess, because a guess would make the laptop differ from the cloud without anybody noticing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_PLACEHOLDER = re.compile(r"\$\{(!?)([A-Za-z0-9:._]+)\}")
_NO_VALUE: Any = object()


class TemplateError(Exception):
    """The template says something that cannot be evaluated here."""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Ref`, `!Sub`); dates stay text, as policy versions need."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise TemplateError(f"!{suffix} has a form of YAML that is not known here")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Resource:
    """One resource as the template writes it, its properties not yet evaluated."""

    logical_id: str
    kind: str
    properties: Mapping[str, Any]
    condition: str | None
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """What other resources see of one: the answer to `Ref`, and the answers to `GetAtt` by attribute name."""

    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A template that was read, not evaluated."""

    name: str
    parameters: Mapping[str, Mapping[str, Any]]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    resources: Mapping[str, Resource]
    outputs: Mapping[str, Mapping[str, Any]]

    def in_order(self) -> list[Resource]:
        """The resources, each after those it refers to. Refuses a circle (TemplateError)."""
        ordered: list[Resource] = []
        state: dict[str, str] = {}

        def visit(logical_id: str, path: tuple[str, ...]) -> None:
            if state.get(logical_id) == "done":
                return
            if state.get(logical_id) == "open":
                raise TemplateError(f"{self.name}: resources refer to each other in a circle: {' -> '.join(path)}")
            state[logical_id] = "open"
            resource = self.resources[logical_id]
            for other in sorted(referred_to(resource.properties) | set(resource.depends_on)):
                if other in self.resources:
                    visit(other, (*path, other))
            state[logical_id] = "done"
            ordered.append(resource)

        for logical_id in self.resources:
            visit(logical_id, (logical_id,))
        return ordered


def read_template(path: Path) -> Template:
    """The template in a file. Refuses what is not a template, naming the file (TemplateError)."""
    return parse_template(read_document(path), path.name)


def read_document(path: Path) -> Any:
    """A YAML file with CloudFormation's short forms written long. Refuses what is not YAML (TemplateError)."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, yaml.YAMLError) as error:
        raise TemplateError(f"{path.name} cannot be read: {error}") from error


def parse_template(document: Any, name: str) -> Template:
    """The template in an already loaded document."""
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{name} is not a CloudFormation template: it has no Resources")
    resources = {}
    for logical_id, body in document["Resources"].items():
        if not isinstance(body, dict) or not isinstance(body.get("Type"), str):
            raise TemplateError(f"{name}: {logical_id} has no Type")
        depends_on = body.get("DependsOn", [])
        resources[logical_id] = Resource(
            logical_id,
            body["Type"],
            body.get("Properties") or {},
            body.get("Condition"),
            (depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        )
    return Template(
        name,
        document.get("Parameters") or {},
        document.get("Mappings") or {},
        document.get("Conditions") or {},
        resources,
        document.get("Outputs") or {},
    )


def referred_to(value: Any) -> set[str]:
    """The names that a value refers to by Ref, GetAtt and Sub: resources and parameters alike."""
    if isinstance(value, list):
        return {name for item in value for name in referred_to(item)}
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for key, inner in value.items():
        if key == "Ref" and isinstance(inner, str):
            found.add(inner)
        elif key == "Fn::GetAtt" and isinstance(inner, list):
            found.add(str(inner[0]))
        elif key == "Fn::Sub":
            text, variables = inner if isinstance(inner, list) else (inner, {})
            found |= {name.split(".")[0] for literal, name in _PLACEHOLDER.findall(text) if not literal}
            found |= referred_to(variables)
        else:
            found |= referred_to(inner)
    return found


class Evaluation:
    """One evaluation of a template: its parameters have values, and resources become known as they are made."""

    def __init__(self, template: Template, parameters: Mapping[str, str], pseudo: Mapping[str, str]) -> None:
        self.template = template
        self.known: dict[str, Identity] = {}
        self._pseudo = dict(pseudo)
        unknown = sorted(set(parameters) - set(template.parameters))
        if unknown:
            raise TemplateError(f"{template.name} has no parameter {', '.join(unknown)}")
        self._parameters: dict[str, Any] = {}
        for name, declaration in template.parameters.items():
            value = parameters.get(name, declaration.get("Default", _NO_VALUE))
            if value is _NO_VALUE:
                raise TemplateError(f"{template.name} needs a value for its parameter {name}")
            allowed = declaration.get("AllowedValues")
            if allowed is not None and value not in allowed:
                raise TemplateError(f"{template.name}: {name} is {value}, allowed are {', '.join(map(str, allowed))}")
            self._parameters[name] = value
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": lambda pair: self.value(pair[0]) == self.value(pair[1]),
            "Fn::Not": lambda one: not self.value(one[0]),
            "Fn::And": lambda many: all(self.value(each) for each in many),
            "Fn::Or": lambda many: any(self.value(each) for each in many),
        }

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template is true with these parameters."""
        if condition not in self.template.conditions:
            raise TemplateError(f"{self.template.name} has no condition {condition}")
        return bool(self.value(self.template.conditions[condition]))

    def wanted(self, condition: str | None) -> bool:
        """Whether a resource or output is to be there at all: its condition holds, or it has none."""
        return condition is None or self.holds(condition)

    def value(self, written: Any) -> Any:
        """A value with every intrinsic function in it evaluated; `AWS::NoValue` takes its entry away."""
        if isinstance(written, list):
            return [item for item in map(self.value, written) if item is not _NO_VALUE]
        if not isinstance(written, dict):
            return written
        if len(written) == 1:
            [(key, inner)] = written.items()
            if key in self._functions:
                return self._functions[key](inner)
            if key.startswith("Fn::"):
                raise TemplateError(f"{self.template.name}: {key} is not known here")
        evaluated = {key: self.value(inner) for key, inner in written.items()}
        return {key: inner for key, inner in evaluated.items() if inner is not _NO_VALUE}

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        for values in (self._pseudo, self._parameters):
            if name in values:
                return values[name]
        return self._identity(name).ref

    def _get_att(self, path: list[str]) -> str:
        logical_id, attribute = path
        attributes = self._identity(logical_id).attributes
        if attribute not in attributes:
            raise TemplateError(f"{self.template.name}: {logical_id} has no attribute {attribute} here")
        return attributes[attribute]

    def _identity(self, logical_id: str) -> Identity:
        if logical_id in self.known:
            return self.known[logical_id]
        if logical_id in self.template.resources:
            kind = self.template.resources[logical_id].kind
            raise TemplateError(f"{self.template.name}: {logical_id} ({kind}) is referred to but not made here")
        raise TemplateError(f"{self.template.name}: nothing is called {logical_id}")

    def _sub(self, written: Any) -> str:
        text, variables = written if isinstance(written, list) else (written, {})
        own = {name: self.value(inner) for name, inner in variables.items()}

        def one(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return str(own[name])
            return str(self._get_att(name.split(".", 1)) if "." in name else self._ref(name))

        return _PLACEHOLDER.sub(one, text)

    def _join(self, written: list[Any]) -> str:
        return str(written[0]).join(str(item) for item in self.value(written[1]))

    def _split(self, written: list[Any]) -> list[str]:
        return str(self.value(written[1])).split(str(written[0]))

    def _select(self, written: list[Any]) -> Any:
        return self.value(written[1])[int(self.value(written[0]))]

    def _if(self, written: list[Any]) -> Any:
        condition, then, otherwise = written
        return self.value(then if self.holds(condition) else otherwise)

    def _find_in_map(self, written: list[Any]) -> Any:
        found: Any = self.template.mappings
        for key in written:
            key = self.value(key)
            if not isinstance(found, Mapping) or key not in found:
                raise TemplateError(f"{self.template.name}: its mappings have no {key}")
            found = found[key]
        return found
