# Broadtape. `make run` starts a hub with something moving in it; `make test` runs every test.
# Both install what is missing.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STRICT := --explicit-target-dependency-import-check error
DEBUG := swift build $(STRICT)
RELEASE := swift build -c release --static-swift-stdlib $(STRICT)
PROGRAM := .build/release/broadtape

LIBRARIES := libssl-dev libhiredis-dev libpq-dev zlib1g-dev libsqlite3-dev
TEST_TOOLS := curl python3-venv postgresql redis-server haproxy procps openssl sqlite3 chromium nodejs

.PHONY: help run build hub test sanitize fuzz bench bench-postgres conformance conformance-if-available libraries test-tools peers reference format lint clean

help: ## Show what can be made.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 28

run: libraries ## Start a hub on its embedded default and play a trace into it.
	@$(MAKE) --no-print-directory hub
	@exec $(PROGRAM) serve --demo config/demo.ndjson

build: libraries hub ## Build the hub and the load tester in release mode.
	@$(RELEASE) --product broadtape-load

hub:
	@echo "Building in release mode; the first time takes 5 to 15 minutes."
	@$(RELEASE) --product broadtape

# One test after another: many start databases, hubs and crowds of clients, which two cores cannot serve all at once.
test: libraries test-tools peers ## Run every test.
	@echo "Building the tests; the first time takes 5 to 15 minutes."
	@$(DEBUG) --build-tests
	@swift test --skip-build --no-parallel

sanitize: libraries test-tools ## Run the tests of the hub and the codec under the thread sanitizer.
	@echo "Building in a folder of its own; the first time takes 10 to 20 minutes."
	@Tests/Sanitize/run

# Bytes with libFuzzer where the toolchain has it (Linux), else by mutating the corpus; values against a whole hub.
fuzz: libraries test-tools ## Fuzz what reads strangers' bytes (FUZZ_SECONDS=60 for each target, FUZZ_TARGETS="frames requests").
	@echo "Building in a folder of its own; the first time takes 5 to 15 minutes."
	@Tests/Fuzz/run $(FUZZ_TARGETS)

# What tests start beside the hub: an environment of its own with a chain that is executed, what drives a browser,
# what holds the contracts against a hub's answers, and what runs the documents' Python examples.
PEERS := .build/peers
PEER_PARTS := Peers/evm Browser Contracts Documents
peers: test-tools $(PEER_PARTS:%=$(PEERS)/parts/%)

$(PEERS)/bin/pip:
	@python3 -m venv $(PEERS)

$(PEERS)/parts/%: Tests/%/requirements.txt | $(PEERS)/bin/pip
	@$(PEERS)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@mkdir -p $(@D)
	@touch $@

reference: libraries ## Write the reference of settings (docs/configuration.md).
	@$(DEBUG) --product broadtape
	@"$$(swift build --show-bin-path)/broadtape" check-config --reference > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

bench: libraries ## Time the hub's inner parts (BENCH="--instructions" counts instructions too).
	@echo "Building in release mode; the first time takes 5 to 15 minutes."
	@$(RELEASE) --product broadtape-bench
	@.build/release/broadtape-bench $(BENCH)

bench-postgres: libraries test-tools ## Time appends to Postgres beside COPY and pgbench.
	@echo "Building in release mode; the first time takes 5 to 15 minutes."
	@$(RELEASE) --product broadtape-bench
	@$(RELEASE) --product broadtape
	@LoadTests/Bench/postgres.py

conformance: libraries test-tools ## Run the Autobahn WebSocket suite (needs a Python 2.7).
	@$(DEBUG) --product broadtape-echo
	@Tests/Conformance/autobahn.sh "$$(swift build --show-bin-path)/broadtape-echo"

conformance-if-available: libraries test-tools
	@$(DEBUG) --product broadtape-echo
	@Tests/Conformance/autobahn.sh --if-available --quick "$$(swift build --show-bin-path)/broadtape-echo"

libraries:
	@config/install $(LIBRARIES)

test-tools:
	@config/install $(TEST_TOOLS)

format: ## Format the sources in place.
	@swift format --in-place --recursive Package.swift Sources Tests LoadTests

lint: ## Check the sources against .swift-format.
	@swift format lint --strict --recursive Package.swift Sources Tests LoadTests

clean: ## Remove what was built; what was published (var/) stays.
	@swift package clean
