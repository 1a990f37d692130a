"""`python -m runtime.openapi`: writes the released documents to docs/api, and from them the web app's types and the
TypeScript client.

What would break a client is refused, and nothing written.

`--check` writes nothing, and fails when code and released documents differ.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# First: what a stopped `make up` left behind is no affair of the documents.
import runtime.own_environment  # noqa: F401  it acts by being imported
from runtime.gateway.services import load_services
from runtime.openapi import documents
from runtime.openapi.changes import changes
from runtime.openapi.client import PACKAGE, client_of, read_client
from runtime.openapi.typescript import types_of
from runtime.provisioning import planned
from runtime.secrets import generated_secrets

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "api"
TYPES = ROOT / "web" / "src" / "api" / "generated"
CLIENT = PACKAGE / "src" / "generated"
_NOWHERE = "http://127.0.0.1:9"


def main(arguments: list[str]) -> int:
    """Writes or checks documents, types and client; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m runtime.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether code and released documents differ")
    checking = parser.parse_args(arguments).check
    made = current()
    return (
        release(made, FOLDER, checking=checking)
        or write_types(made, TYPES, checking=checking)
        or write_client(made, CLIENT, checking=checking)
    )


def current() -> dict[str, dict[str, Any]]:
    """The documents as the code is now. Raises RuntimeError when a service cannot be imported."""
    # The services read their settings at import; nothing is reached at any of these addresses.
    given = {"PUBLIC_URL": _NOWHERE, "TEST_PROVIDER_URL": _NOWHERE, "MAIL_FROM": "box-office@stagedoor.example"}
    os.environ.update({**planned("dev", "stagedoor-dev"), **generated_secrets(), **given, "DATABASE_URL": "sqlite://"})
    loaded = load_services("services")
    if loaded.broken:
        raise RuntimeError(f"these services could not be imported: {', '.join(loaded.broken)}")
    return documents.of_all(loaded.apps)


def release(made: Mapping[str, dict[str, Any]], folder: Path, *, checking: bool = False) -> int:
    """Writes the documents, and none of them when one would break what was released; answers the exit code."""
    differing, broken = False, False
    for name, now in made.items():
        path = folder / f"{name}.json"
        written = path.read_text(encoding="utf-8") if path.exists() else None
        if written == documents.text(now):
            continue
        differing = True
        for change in changes(json.loads(written), now) if written is not None else ():
            broken = broken or change.breaking
            print(f"{name}: {'BREAKS' if change.breaking else 'grows'}: {change.place} {change.what}", file=sys.stderr)
    if broken:
        print("Released versions only grow. Make a v2 beside the v1.", file=sys.stderr)
        return 1
    if checking:
        if differing:
            print("docs/api is not what the code says: run `make api`.", file=sys.stderr)
        return int(differing)
    folder.mkdir(parents=True, exist_ok=True)
    for name, now in made.items():
        (folder / f"{name}.json").write_text(documents.text(now), encoding="utf-8")
    print(f"{len(made)} documents are in docs/api")
    return 0


def write_types(made: Mapping[str, dict[str, Any]], folder: Path, *, checking: bool = False) -> int:
    """Writes a module of types for each service; answers the exit code."""
    texts = {f"{name}.ts": types_of(name, now) for name, now in made.items() if name != documents.WHOLE}
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.ts")}
    if checking:
        if there != texts:
            print("The web app's types are not the documents': run `make api`.", file=sys.stderr)
        return int(there != texts)
    folder.mkdir(parents=True, exist_ok=True)
    for name in set(there) - set(texts):
        (folder / name).unlink()
    for name, written in texts.items():
        (folder / name).write_text(written, encoding="utf-8")
    return 0


def write_client(made: Mapping[str, dict[str, Any]], folder: Path, *, checking: bool = False) -> int:
    """Writes the TypeScript client of the whole; answers the exit code. Raises RuntimeError when it cannot be made."""
    modules, there = client_of(documents.text(made[documents.WHOLE])), read_client(folder)
    if checking:
        if there != modules:
            print("The TypeScript client is not the document's: run `make api`.", file=sys.stderr)
        return int(there != modules)
    for name in set(there) - set(modules):
        (folder / name).unlink()
    for name, written in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(written, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
