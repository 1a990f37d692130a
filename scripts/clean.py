"""Removes folders of this repository: what was written, installed or built. Refuses while Stagedoor is up.

python3 scripts/clean.py .state build
"""

from __future__ import annotations

import fcntl
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(names: list[str]) -> int:
    """Removes the folders named, which are given relative to the repository. Answers an exit code."""
    lock = ROOT / ".state" / "lock"
    if lock.exists():
        with lock.open("a") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("clean: Stagedoor is up from this folder; stop it first (Ctrl-C where it runs)", file=sys.stderr)
                return 1
    for name in names:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
