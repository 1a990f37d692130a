"""The TypeScript client: generated from the released document, and its compiler tells wrong requests from good ones."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from runtime.openapi import documents
from runtime.openapi.__main__ import CLIENT, FOLDER, write_client
from runtime.openapi.client import PACKAGE, client_of, node, read_client

WRONG = PACKAGE / "tests" / "refused-by-the-compiler.ts"
EXPECTED = "// @ts-expect-error"


def compiled(project: Path) -> subprocess.CompletedProcess[str]:
    """What the compiler says of a project."""
    compiler = PACKAGE / "node_modules" / "typescript" / "bin" / "tsc"
    command = [str(node()), str(compiler), "--noEmit", "--pretty", "false", "--project", str(project)]
    return subprocess.run(command, cwd=PACKAGE, capture_output=True, text=True, check=False)


def released() -> str:
    return (FOLDER / f"{documents.WHOLE}.json").read_text(encoding="utf-8")


def test_the_client_is_that_of_the_document() -> None:
    assert client_of(released()) == read_client(CLIENT), "run `make api`"


def test_a_client_of_another_document_is_noticed() -> None:
    """The negative control: one member more in an answer, and the check fails."""
    document: dict[str, Any] = json.loads(released())
    document["components"]["schemas"]["HoldView"]["properties"]["colour"] = {"type": "string"}
    assert write_client({documents.WHOLE: document}, CLIENT, checking=True) == 1


def test_the_client_and_what_is_written_with_it_type_check() -> None:
    done = compiled(PACKAGE / "tsconfig.json")
    assert done.returncode == 0, done.stdout


def test_every_wrong_request_is_told_by_the_compiler(tmp_path: Path) -> None:
    """The control of the test above: without what says that they are meant, each wrong line is an error."""
    wrong = WRONG.read_text(encoding="utf-8")
    meant = wrong.count(EXPECTED)
    bare = wrong.replace(EXPECTED, "//").replace("../src/", f"{PACKAGE.as_posix()}/src/")
    (tmp_path / "wrong.ts").write_text(bare, encoding="utf-8")
    project = {"extends": str(PACKAGE / "tsconfig.json"), "compilerOptions": {"types": []}, "include": ["wrong.ts"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(project), encoding="utf-8")
    found = [line for line in compiled(tmp_path / "tsconfig.json").stdout.splitlines() if "wrong.ts(" in line]
    assert len(found) == meant >= 9, found
