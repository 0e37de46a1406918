# One-word targets. `make run` shows a device being provisioned, `make test` proves that it works.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PEERS  := $(VENV)/.peers
TESTS  := $(BIN)/python -m pytest -n 2 tests
JUDGES := $(BIN)/python -m pytest -n 4 conformance

.PHONY: run test lint types conformance bench storm durability rolling scan failover docs clean install components

run: $(STAMP)
	@$(BIN)/python examples/first_device.py $(ARGS)

# Everything three times: on SQLite with one worker and with two, and on PostgreSQL.
test: $(STAMP) components $(PEERS)
	$(TESTS)
	$(JUDGES)
	HOMEPORT_TEST_WORKERS=2 $(TESTS)
	HOMEPORT_TEST_WORKERS=2 $(JUDGES)
	HOMEPORT_TEST_DATABASE=postgresql $(TESTS)
	HOMEPORT_TEST_DATABASE=postgresql $(JUDGES)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

# The real SDKs against a running server; also a part of `make test`.
conformance: $(STAMP) components $(PEERS)
	$(JUDGES)

# nginx, Mosquitto and homeport on this machine, in one run.
bench: $(STAMP)
	./scripts/install-components references
	$(BIN)/python -m bench $(ARGS)

# 50,000 devices that come at three times the capacity, and their model; `python -m bench.storm` is for larger fleets.
storm: $(STAMP)
	./scripts/install-components references
	$(BIN)/python -m bench.storm.real $(ARGS)

# kill -9 in the middle of a registration storm, 50 times.
durability: $(STAMP)
	$(BIN)/python -m tests.durability --rounds 50 --devices 500 $(ARGS)

# Two workers relieved again and again while 10,000 devices register.
rolling: $(STAMP)
	$(BIN)/python -m tests.workers --devices 10000 $(ARGS)

# testssl.sh and sslyze against a server of its own; the reports are in scan/results.
scan: $(STAMP)
	./scripts/install-components scan
	$(BIN)/python -m scan

# A database primary and a homeport node die in a storm of registrations; the reports are in failover/results.
failover: $(STAMP)
	./scripts/install-components failover
	$(BIN)/python -m failover $(ARGS)

docs: $(STAMP)
	$(BIN)/python -m docs.generate
	$(BIN)/python -m conformance.page

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis conformance/node/node_modules bench/build scan/build scan/results

install: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable . --group test --group lint --group conformance
	@touch $@

# Clients without an SDK, one of which is compiled here.
$(PEERS): $(STAMP)
	@./scripts/install-components peers
	$(BIN)/python -m pip install --quiet --group peers
	@touch $@

# What the tests need beside Python: Node.js with Microsoft's packages, a TPM simulator, PostgreSQL, and what lets disks and clocks fail.
components:
	@./scripts/install-components node
	@./scripts/install-components tpm
	@./scripts/install-components postgresql
	@./scripts/install-components faults
