# Everything a person does with this repository, by name. `make help` lists it; nothing needs to be installed before
# but a Python (3.11 or later) and make.

PYTHON ?= python3
PORT ?= 8000
TESTS ?= tests
WORKERS ?= 2

PY := .venv/bin/python
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup parts up demo env test proxy-test check bench schemas api examples lock republish redrive
.PHONY: rotate-keys invoices clean clean-install

help: ## what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: ## installs what is missing: packages, emulators, the web app (the others do it by themselves)
	@$(PYTHON) scripts/setup.py

parts: setup

up: setup ## starts Stagedoor on this machine: make up [PORT=8000]; Ctrl-C stops it
	@exec $(PY) -m runtime up --port $(PORT)

demo: setup ## plays one sale from the publishing to the door; uses what `make up` started, or starts it itself
	@exec $(PY) -m runtime demo --port $(PORT)

env: ## prints the variables of the running parts for a shell: eval "$(make env)"
	@$(PY) -m runtime env

test: check ## checks, then every kind of test: make test [TESTS=tests/unit] [WORKERS=2]
	@$(PY) -m pytest $(TESTS) -n $(WORKERS) --dist loadgroup -q

proxy-test: setup ## tries the caching of answers behind a real proxy; needs nginx (apt-get install nginx-light)
	@command -v nginx >/dev/null || { echo "proxy-test needs nginx on the PATH: apt-get install nginx-light"; exit 1; }
	@$(PY) -m pytest tests/proxy/behind_nginx.py -q

check: setup ## style, types, imports, the rules of the house
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache
	@$(PY) -m runtime.openapi --check
	@$(PY) -m pytest tests/test_house.py -q

bench: setup ## measures: prints a table, writes build/bench.json and docs/benchmarks.md
	@$(PY) -m bench

schemas: setup ## writes the messages' schemas to contracts/schemas; refuses what would break a consumer
	@$(PY) -m runtime.schemas

api: setup ## writes the API's OpenAPI documents to docs/api, and the types and the client made of them; refuses what breaks a client
	@$(PY) -m runtime.openapi

examples: setup ## asks every operation anew, writes what was answered to docs/api/examples, and from there into the documents
	@RECORD_EXAMPLES=1 $(PY) -m pytest tests/contract/test_examples.py -q -k released_examples
	@$(PY) -m runtime.openapi

lock: setup ## pins all dependencies anew after a change of pyproject.toml; UPGRADE=1 takes the newest
	@scripts/lock.sh

republish: ## sends a service's state to the others again, with the same message ids: make republish SERVICE=orders [ABOUT=evt_…]
	@$(PY) -m runtime republish $(SERVICE) $(if $(ABOUT),--about $(ABOUT))

invoices: ## writes a closed month's statements to build/invoices-<month>.csv: make invoices MONTH=2026-11
	@$(PY) -m runtime invoices $(MONTH)

redrive: ## puts a service's dead letters back into its queue: make redrive SERVICE=orders
	@$(PY) -m runtime redrive $(SERVICE)

rotate-keys: setup ## does the next step of changing the key that signs access tokens: make rotate-keys [STAGE=prod]
	@$(PY) -m runtime rotate-keys $(if $(STAGE),--stage $(STAGE))

clean: ## forgets the state: tables, queues, documents, secrets, logs (what is installed stays)
	@$(PYTHON) scripts/clean.py .state build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

clean-install: clean ## forgets what is installed, too
	@$(PYTHON) scripts/clean.py .venv .parts web/node_modules web/dist clients/typescript/node_modules
