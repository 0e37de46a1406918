# One-word targets. `make run` shows a device being provisioned, `make test` proves that it works.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PEERS  := $(VENV)/.peers

.PHONY: run test lint types conformance bench durability scan docs clean install components

run: $(STAMP)
	@$(BIN)/python examples/first_device.py $(ARGS)

test: $(STAMP) components $(PEERS)
	$(BIN)/python -m pytest -n 2 tests
	$(BIN)/python -m pytest -n 4 conformance

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

# The real SDKs against a running server; also a part of `make test`.
conformance: $(STAMP) components $(PEERS)
	$(BIN)/python -m pytest -n 4 conformance

# nginx, Mosquitto and homeport on this machine, in one run.
bench: $(STAMP)
	./scripts/install-components references
	$(BIN)/python -m bench $(ARGS)

# kill -9 in the middle of a registration storm, 50 times.
durability: $(STAMP)
	$(BIN)/python -m tests.durability --rounds 50 --devices 500 $(ARGS)

# testssl.sh and sslyze against a server of its own; the reports are in scan/results.
scan: $(STAMP)
	./scripts/install-components scan
	$(BIN)/python -m scan

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

# What the tests need beside Python: Node.js with Microsoft's packages, and a TPM simulator.
components:
	@./scripts/install-components node
	@./scripts/install-components tpm
