# SPDX-License-Identifier: Apache-2.0
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest --quiet
# What was compiled is kept, whatever the shell says: it is two thirds of what collecting the tests takes.
unexport PYTHONDONTWRITEBYTECODE
# Two processes for each of two cores: half of the tests wait for a peer that is slow.
PARALLEL = -n 4 --dist worksteal

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# Two layers: what the service and the demo run on, which is there in seconds, and what tests and lint need on top of
# it. Uncompiled, because most of it is never imported; Python compiles the rest as it goes.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
$(VENV)/runs: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	echo "$(CURDIR)" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout.pth"
	@touch $@

$(VENV)/installed: $(VENV)/runs requirements-dev.lock pyproject.toml
	$(PIP) --require-hashes -r requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: demo
demo: $(VENV)/runs ## six people sign up, are verified and sign in, all on this machine
	$(BIN)/python -m webhook demo

.PHONY: serve
serve: $(VENV)/runs ## run the service as it stands here, with the settings of .env
	$(BIN)/python -m webhook serve

.PHONY: check
check: lint ## what to run before each commit: lint, types, the rules and the contract, below a minute
	$(PYTEST) $(PARALLEL) tests/core tests/contract

# What measures how long others wait runs alone, and first.
.PHONY: test
test: $(VENV)/installed ## all tests (KRATOS_BIN=... runs them on a real Kratos too)
	$(PYTEST) tests/load
	$(PYTEST) $(PARALLEL) --ignore tests/load

.PHONY: coverage
coverage: $(VENV)/installed ## every line and branch of the package is tested in this process
	$(PYTEST) $(PARALLEL) --cov=webhook tests/core tests/contract tests/wire tests/runtime tests/coordination tests/doctor tests/service

.PHONY: lint
lint: $(VENV)/installed ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/installed ## lay out the code, and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/installed ## requests/s, latency, CPU, start and memory against bare WSGI and plain Flask, in one run
	$(BIN)/python -m benchmarks

.PHONY: bench-sync
bench-sync: $(VENV)/installed ## a sweep over 100,000 identities, and an hour of a companion with and without Valkey
	$(BIN)/python -m benchmarks sync

# Extras stay in the development lock: pip takes `coverage[toml]` for another requirement than `coverage`, and finds
# the newest one unpinned.
COMPILE := $(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --upgrade
.PHONY: lock
lock: ## renew the lock files
	$(PYTHON) -m venv $(VENV)/uv && $(VENV)/uv/bin/pip install --quiet uv
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --group dev --group build --no-strip-extras -c requirements.lock -o requirements-dev.lock
	$(COMPILE) --group build -c requirements-dev.lock -o requirements-build.lock
