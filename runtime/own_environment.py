"""Imported first by `python -m runtime` and deploy.sh: what this process is given is what it was started with.

The kit fills the environment of whatever runs beside a started Stagedoor with the addresses of that start. The command
that starts it must not take those of its last start for parts that were given to it, nor may a deployment take the
laptop's emulator, credentials and database for the cloud's.
"""

from __future__ import annotations

import os

# Spelt out, because importing the kit for the name would already fill the environment.
os.environ.setdefault("STAGEDOOR_ENVIRONMENT_FILE", "")
