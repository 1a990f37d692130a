"""Which service and which of its routes a request is for, by API Gateway's rules.

Paths are matched segment by segment. A literal segment wins over `{name}`, and `{name}` over the greedy `{name+}`; a
slash at the end does not count. Parameters hold the decoded text of their segment.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

from runtime.gateway.services import ServicesClash

# Every service has this route; the gateway answers for all of them.
HEALTH = "/health"


class Target(msgspec.Struct, frozen=True):
    """A route found: the service, its app, the path as declared, its methods, and the parameters of this request."""

    service: str
    app: Any
    resource: str
    methods: dict[str, Any]
    parameters: dict[str, str]


class _Node:
    __slots__ = ("greedy", "leaf", "literal", "named")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.named: list[tuple[str, _Node]] = []
        self.greedy: tuple[str, _Node] | None = None
        self.leaf: tuple[str, Any, str, dict[str, Any]] | None = None


class Router:
    """The routes of all services. Raises ServicesClash when two of them have the same route."""

    def __init__(self, apps: dict[str, Any]) -> None:
        self._root = _Node()
        for service, app in apps.items():
            for path, methods in app.routes.items():
                if path != HEALTH:
                    self._add(service, app, path, dict(methods))

    def _add(self, service: str, app: Any, path: str, methods: dict[str, Any]) -> None:
        node = self._root
        for segment in _segments(path):
            node = _child(node, segment)
        if node.leaf is not None:
            raise ServicesClash(f"{service} and {node.leaf[0]} both have a route {path}")
        node.leaf = (service, app, path, methods)

    def find(self, path: str) -> Target | None:
        """The route for a path as it came (still percent-encoded); None when there is none."""
        segments = _segments(path)
        for node, captured in _matches(self._root, segments, 0):
            if node.leaf is not None:
                service, app, resource, methods = node.leaf
                parameters = {name: unquote(text) for name, text in captured}
                return Target(service, app, resource, methods, parameters)
        return None


def _segments(path: str) -> list[str]:
    trimmed = path[:-1] if len(path) > 1 and path.endswith("/") else path
    return trimmed.split("/")[1:]


def _child(node: _Node, segment: str) -> _Node:
    if not (segment.startswith("{") and segment.endswith("}")):
        return node.literal.setdefault(segment, _Node())
    name = segment[1:-1]
    if name.endswith("+"):
        node.greedy = node.greedy or (name[:-1], _Node())
        return node.greedy[1]
    for known, child in node.named:
        if known == name:
            return child
    child = _Node()
    node.named.append((name, child))
    return child


def _matches(node: _Node, segments: list[str], at: int) -> Iterator[tuple[_Node, list[tuple[str, str]]]]:
    if at == len(segments):
        yield node, []
        return
    segment = segments[at]
    literal = node.literal.get(segment)
    if literal is not None:
        yield from _matches(literal, segments, at + 1)
    if segment:
        for name, child in node.named:
            for found, captured in _matches(child, segments, at + 1):
                yield found, [(name, segment), *captured]
    if node.greedy is not None:
        name, child = node.greedy
        yield child, [(name, "/".join(segments[at:]))]
