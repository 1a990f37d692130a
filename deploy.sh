#!/bin/sh
# Deploys a stage: ./deploy.sh <dev|test|prod> [service…] [--direct] [--package-only] [--prefix NAME] [--yes]
set -eu
cd "$(dirname "$0")"
python=.venv/bin/python
if [ ! -x "$python" ]; then
    echo "deploy.sh: there is no .venv yet: run 'make setup' first" >&2
    exit 1
fi
exec "$python" -m runtime.deployment "$@"
