"""The rules of the house that no other tool knows. Each is tried on a sample that breaks it, too."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("accounts", "catalog", "notifications", "orders", "payments", "reporting", "reservations", "tickets")
ROOMS = ("app", "use_cases", "domain", "repository", "schemas")
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
PRODUCT = ("contracts", "runtime", "services", "shared")
# Reachable without a version: what a standard places there, and what tells of the service itself.
ROUTES_WITHOUT_VERSION = ("/.well-known/jwks.json", "/health", "/docs", "/openapi.json")
# What a pure module may import beside the standard library: values of the kit, and signatures, which only compute.
PURE = ("msgspec", "cryptography", "contracts", "shared.money", "shared.ids")
IMPURE_STANDARD_LIBRARY = (
    "asyncio",
    "http",
    "os",
    "random",
    "secrets",
    "socket",
    "sqlite3",
    "subprocess",
    "time",
    "uuid",
)
CLOCKS = ("now", "utcnow", "today")
# What a generator wrote is in the generator's style, and is nobody's to change.
GENERATED = ROOT / "clients" / "typescript" / "src" / "generated"


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file that is, or would be, committed, but for what another's generator wrote."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in sorted(set(listed.split("\0")) - {""})]
    return tuple(path for path in paths if path.is_file() and not path.is_relative_to(GENERATED))


def sources(*folders: str) -> list[Path]:
    """The committed Python modules, of some folders or of all."""
    modules = [path for path in committed_files() if path.suffix == ".py"]
    return [path for path in modules if not folders or any(path.is_relative_to(ROOT / folder) for folder in folders)]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def breaches(paths: Iterable[Path], rule: Callable[[str], list[str]]) -> list[str]:
    """What a rule finds in files, each finding with the file's name."""
    return [f"{name_of(path)}: {found}" for path in paths for found in rule(path.read_text(encoding="utf-8"))]


def too_many_lines(text: str) -> list[str]:
    lines = text.count("\n")
    return [f"{lines} lines"] if lines > MODULE_LINES_MAX else []


def functions_too_long(text: str) -> list[str]:
    return [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]


def imported(text: str) -> list[str]:
    """The full names that a module imports, also by importlib with a literal name."""
    names: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func)
            if called in ("import_module", "importlib.import_module", "__import__"):
                names.append(str(node.args[0].value))
    return names


def within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def impurities(text: str, service: str) -> list[str]:
    """What a domain module must not have: clocks, chance, and imports that reach anything outside."""
    allowed = (*PURE, f"services.{service}.domain")
    found = []
    for name in imported(text):
        first = name.split(".")[0]
        standard = first in sys.stdlib_module_names and first not in IMPURE_STANDARD_LIBRARY
        if not standard and not within(name, allowed) and not name.startswith("."):
            found.append(f"imports {name}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
            found.append(f"reads a clock in line {node.lineno}")
    return found


def routes(text: str) -> list[str]:
    """The paths that an app declares by `@app.route(...)`."""
    return [
        str(decorator.args[0].value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == "route"
        and decorator.args
        and isinstance(decorator.args[0], ast.Constant)
    ]


def routes_without_version(text: str) -> list[str]:
    return [path for path in routes(text) if not re.match(r"/v[1-9]\d*/", path) and path not in ROUTES_WITHOUT_VERSION]


def left_open(text: str) -> list[str]:
    """Marks of unfinished work. Spelt in parts, so that this file is not found by its own rule."""
    marks = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "mark.sk" + "ip", "mark.x" + "fail")
    return [
        f"line {number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if any(re.search(rf"\b{re.escape(mark)}", line) for mark in marks)
    ]


_MACHINE_PATH = re.compile(r"(?<![\w.:/}])/(?:home|root|work|Users|opt|mnt)/[A-Za-z0-9]")
_REGISTRY = re.compile(r"(?:pypi\.org|pythonhosted\.org|registry\.npmjs\.org|--(?:extra-)?index-url|--find-links)")


def machine_names(text: str) -> list[str]:
    """Paths of one machine and hosts of package registries."""
    return [
        f"line {number}: {line.strip()[:120]}"
        for number, line in enumerate(text.splitlines(), 1)
        if _MACHINE_PATH.search(line) or _REGISTRY.search(line)
    ]


def vague_names(paths: Iterable[Path]) -> list[str]:
    """Names that say nothing about what is inside."""
    vague = re.compile(r"(?:^|_)(?:utils?|helpers?|common|misc)(?:_|\.|$)")
    return [name_of(path) for path in paths if any(vague.search(part) for part in path.relative_to(ROOT).parts)]


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    code = [path for path in committed_files() if path.suffix in (".py", ".ts", ".tsx")]
    assert breaches(code, too_many_lines) == []


def test_no_function_is_longer_than_a_screen() -> None:
    assert breaches(sources(), functions_too_long) == []


def test_nothing_has_a_name_that_says_nothing() -> None:
    assert vague_names(committed_files()) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_the_same_rooms(service: str) -> None:
    home = ROOT / "services" / service
    missing = [room for room in ROOMS if not ((home / f"{room}.py").exists() or (home / room / "__init__.py").exists())]
    assert missing == []
    assert (home / "README.md").exists()
    assert (home / ".chalice").is_symlink(), "chalice looks for its configuration beside app.py"
    assert (home / ".chalice").readlink() == Path(f"../../.chalice/{service}")
    assert (home / "app.py").exists(), "Chalice imports app.py, and triggers must be declared there"


def test_there_are_no_other_services() -> None:
    there = {path.name for path in (ROOT / "services").iterdir() if path.is_dir() and path.name[0].isalpha()}
    assert there == set(SERVICES)


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_imports_another(service: str) -> None:
    others = [f"services.{other}" for other in SERVICES if other != service]
    assert (
        breaches(
            sources(f"services/{service}"),
            lambda text: [name for name in imported(text) if within(name, [*others, "runtime", "tests"])],
        )
        == []
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_rules_of_a_service_are_pure(service: str) -> None:
    domain = [*sources(f"services/{service}/domain"), *sources(f"services/{service}/domain.py")]
    assert domain
    assert breaches(domain, lambda text: impurities(text, service)) == []


def test_contracts_are_pure() -> None:
    def reaching(text: str) -> list[str]:
        allowed = (*PURE, "shared.messaging")
        names = imported(text)
        return [
            name for name in names if not within(name, allowed) and name.split(".")[0] not in sys.stdlib_module_names
        ]

    assert sources("contracts")
    assert breaches(sources("contracts"), reaching) == []


def test_the_kit_has_no_word_of_ticketing() -> None:
    """The kit could serve any trade: it imports nothing of this one."""
    trade = ("contracts", "services", "runtime")
    assert breaches(sources("shared"), lambda text: [n for n in imported(text) if within(n, trade)]) == []


def test_the_runtime_names_no_service_it_imports() -> None:
    """By path alone (importlib with a computed name), so that a service can be added without touching the runtime."""
    assert breaches(sources("runtime"), lambda text: [n for n in imported(text) if within(n, ["services"])]) == []


def test_end_to_end_tests_know_only_what_a_client_knows() -> None:
    assert sources("tests/e2e")
    assert breaches(sources("tests/e2e"), lambda text: [n for n in imported(text) if within(n, PRODUCT)]) == []


def test_every_route_has_a_version() -> None:
    homes = {service: ROOT / "services" / service for service in SERVICES}
    modules = {service: [home / "app.py", *sorted(home.glob("*_routes.py"))] for service, home in homes.items()}
    assert breaches([path for every in modules.values() for path in every], routes_without_version) == []
    found = {
        service: [routes(path.read_text(encoding="utf-8")) for path in every] for service, every in modules.items()
    }
    without = [service for service, every in found.items() if not any(every)]
    assert without == [], "a service without any route: is it declared in another way than this test reads?"


def test_nothing_is_left_open() -> None:
    code = [path for path in committed_files() if path.suffix in (".py", ".ts", ".tsx", ".sh", ".yaml")]
    assert breaches(code, left_open) == []


def test_nothing_is_named_after_one_machine() -> None:
    texts = [
        path
        for path in committed_files()
        if path != Path(__file__) and path.suffix not in (".ttf", ".otf", ".png", ".ico", ".woff2", ".pdf", ".pfb")
    ]
    assert breaches(texts, machine_names) == []


_LONG_FUNCTION = "def long():\n" + "    a = 1\n" * FUNCTION_LINES_MAX
_CLOCK = "from datetime import datetime\ndef f():\n    return datetime.now()\n"


@pytest.mark.parametrize(
    ("rule", "sample"),
    [
        (too_many_lines, "a = 1\n" * (MODULE_LINES_MAX + 1)),
        (functions_too_long, _LONG_FUNCTION),
        (lambda text: impurities(text, "orders"), "import boto3\n"),
        (lambda text: impurities(text, "orders"), "from shared import clock\n"),
        (lambda text: impurities(text, "orders"), "from services.orders import repository\n"),
        (lambda text: impurities(text, "orders"), "import random\n"),
        (lambda text: impurities(text, "orders"), _CLOCK),
        (lambda text: [n for n in imported(text) if within(n, PRODUCT)], "from services.orders import app\n"),
        (
            lambda text: [n for n in imported(text) if within(n, PRODUCT)],
            "import importlib\nimportlib.import_module('shared.ids')\n",
        ),
        (routes_without_version, "@app.route('/orders', methods=['GET'])\ndef f(): ...\n"),
        (left_open, "# TO" + "DO: later\n"),
        (machine_names, "path = '" + "/home" + "/somebody/file'\n"),
        (machine_names, "resolved: https://registry.npm" + "js.org/x\n"),
        (lambda text: vague_names([ROOT / text]), "shared/string_utils.py"),
    ],
)
def test_each_rule_finds_what_it_forbids(rule: Callable[[str], list[str]], sample: str) -> None:
    assert len(rule(sample)) == 1


@pytest.mark.parametrize(
    ("rule", "sample"),
    [
        (too_many_lines, "a = 1\n" * MODULE_LINES_MAX),
        (lambda text: impurities(text, "orders"), "import msgspec\nfrom shared.money import Money\nimport datetime\n"),
        (routes_without_version, "@app.route('/v1/orders')\ndef f(): ...\n"),
        (machine_names, "see https://example.com/home/page and ${ROOT}/work/area\n"),
        (lambda text: vague_names([ROOT / text]), "shared/uncommon_words.py"),
    ],
)
def test_each_rule_lets_the_rest_be(rule: Callable[[str], list[str]], sample: str) -> None:
    assert rule(sample) == []
