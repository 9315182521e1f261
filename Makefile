# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/installed: requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(VENV)/installed ## five people sign up, are verified and sign in, all on this machine
	$(BIN)/jumio-webhook demo

.PHONY: test
test: $(VENV)/installed ## all tests, with branch coverage (KRATOS_BIN=... runs them on a real Kratos too)
	$(BIN)/python -m pytest --cov

.PHONY: lint
lint: $(VENV)/installed ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: bench
bench: $(VENV)/installed ## sign-ins beside slow peers; requests/s, latency, CPU, start and memory against plain Flask
	$(BIN)/python -m benchmarks

.PHONY: bench-sync
bench-sync: $(VENV)/installed ## a sweep over 100,000 identities: speed, and memory that must not grow
	$(BIN)/python -m benchmarks sync

# Extras stay in the development lock: pip takes `coverage[toml]` for another requirement than `coverage`, and finds
# the newest one unpinned.
COMPILE := $(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --upgrade
.PHONY: lock
lock: ## renew the lock files
	$(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv
	$(COMPILE) pyproject.toml -o requirements.lock
	echo jsonnet | $(COMPILE) - -o requirements-demo.lock
	$(COMPILE) pyproject.toml --extra demo --group dev --group build --no-strip-extras \
	  -c requirements.lock -c requirements-demo.lock -o requirements-dev.lock
	$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
