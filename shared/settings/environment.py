"""The laptop's environment file: what `make up` writes, read by everything that is started beside it."""

import json
import os
from collections.abc import MutableMapping
from pathlib import Path

FILE_VARIABLE = "STAGEDOOR_ENVIRONMENT_FILE"
DEFAULT_FILE = Path(__file__).resolve().parents[2] / ".state" / "environment.json"


def fill_environment(environ: MutableMapping[str, str] | None = None, default_file: Path = DEFAULT_FILE) -> Path | None:
    """Sets every variable of the environment file that is not set yet; answers the file used, or None.

    Nothing is read in Lambda, nor when AWS_ENDPOINT_URL_DYNAMODB is set: whoever chose the parts has chosen the rest.
    STAGEDOOR_ENVIRONMENT_FILE names another file; set to the empty string, no file is read at all.
    Raises ValueError when the file is not a JSON object of strings.
    """
    variables = os.environ if environ is None else environ
    if "AWS_LAMBDA_FUNCTION_NAME" in variables or "AWS_ENDPOINT_URL_DYNAMODB" in variables:
        return None
    named = variables.get(FILE_VARIABLE)
    if named == "":
        return None
    file = Path(named) if named else default_file
    if not file.is_file():
        return None
    content = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
        raise ValueError(f"{file} must be a JSON object of strings")
    for name, value in content.items():
        variables.setdefault(name, value)
    return file
