# Broadtape. `make run` starts a hub with something moving in it; `make test` runs every test. Both say what is missing and
# install it; with INSTALL=no they only say it.

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

STRICT := --explicit-target-dependency-import-check error
DEBUG := swift build $(STRICT)
RELEASE := swift build -c release --static-swift-stdlib $(STRICT)
PROGRAM := .build/release/broadtape

LIBRARIES := libssl-dev libhiredis-dev libpq-dev zlib1g-dev libsqlite3-dev
TEST_TOOLS := curl python3-venv postgresql redis-server haproxy procps openssl sqlite3 chromium nodejs

.PHONY: help run build hub test test-fast simulate sanitize fuzz bench bench-postgres conformance conformance-if-available toolchain libraries test-tools peers reference format lint clean

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

# The suites that start processes, or need the machine to themselves: by their names, which a test checks.
SYSTEM := SystemTests
# Without a limit all tests begin at once, and the time limits of hubs that wait for a thread run out.
FAST_TESTS := SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=2 swift test --skip-build --parallel --skip $(SYSTEM)
SYSTEM_TESTS := swift test --skip-build --no-parallel --filter $(SYSTEM)

test: peers ## Run every test.
	@echo "Building the tests (the first time 5 to 15 minutes), then running them (20 to 40 minutes)."
	@$(DEBUG) --build-tests
	@status=0; $(FAST_TESTS) || status=1; $(SYSTEM_TESTS) || status=1; exit $$status

test-fast: libraries ## Run the tests that start no process, in parallel.
	@echo "Building the tests (the first time 5 to 15 minutes), then running those that take two minutes."
	@$(DEBUG) --build-tests
	@$(FAST_TESTS)

# Debug mode, because the hub's assertions count. The first seed that fails is shrunk; SEED=N prints the timeline of one.
SEEDS := 10000
simulate: libraries ## Simulate clusters with everything that fails (SEEDS=10000, or SEED=N for the timeline of one).
	@echo "Building in debug mode; the first time takes 5 to 15 minutes."
	@$(DEBUG) --product broadtape-simulator
	@"$$(swift build --show-bin-path)/broadtape-simulator" $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

sanitize: test-tools ## Run the tests of the hub and the codec under the thread sanitizer.
	@echo "Building in a folder of its own; the first time takes 10 to 20 minutes."
	@Tests/System/Sanitize/run

# Bytes with libFuzzer where the toolchain has it (Linux), else by mutating the corpus; values against a whole hub.
fuzz: test-tools ## Fuzz what reads strangers' bytes (FUZZ_SECONDS=60 for each target, FUZZ_TARGETS="frames requests").
	@echo "Building in a folder of its own; the first time takes 5 to 15 minutes."
	@Tests/Fuzz/run $(FUZZ_TARGETS)

reference: libraries ## Write the reference of settings (docs/configuration.md).
	@$(DEBUG) --product broadtape
	@"$$(swift build --show-bin-path)/broadtape" check-config --reference > docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

bench: libraries ## Time the hub's inner parts (BENCH="--instructions" counts instructions too).
	@echo "Building in release mode; the first time takes 5 to 15 minutes."
	@$(RELEASE) --product broadtape-bench
	@.build/release/broadtape-bench $(BENCH)

bench-postgres: test-tools ## Time appends to Postgres beside COPY and pgbench.
	@echo "Building in release mode; the first time takes 5 to 15 minutes."
	@$(RELEASE) --product broadtape-bench
	@$(RELEASE) --product broadtape
	@LoadTests/Bench/postgres.py

conformance: test-tools ## Run the Autobahn WebSocket suite (needs a Python 2.7).
	@$(DEBUG) --product broadtape-echo
	@Tests/System/Conformance/autobahn.sh "$$(swift build --show-bin-path)/broadtape-echo"

conformance-if-available: test-tools
	@$(DEBUG) --product broadtape-echo
	@Tests/System/Conformance/autobahn.sh --if-available --quick "$$(swift build --show-bin-path)/broadtape-echo"

toolchain:
	@config/toolchain

libraries: toolchain
	@config/install $(LIBRARIES)

test-tools: toolchain
	@config/install $(LIBRARIES) $(TEST_TOOLS)

# And what tests start beside the hub, in an environment of its own: a chain that is executed, what drives a browser, what
# holds the contracts against a hub's answers, and what runs the documents' Python examples.
peers: toolchain
	@config/install $(LIBRARIES) $(TEST_TOOLS) -- System/Peers/evm System/Browser System/Contracts System/Documents

format: ## Format the sources in place.
	@swift format --in-place --recursive Package.swift Sources Tests LoadTests

lint: ## Check the sources against .swift-format.
	@swift format lint --strict --recursive Package.swift Sources Tests LoadTests

clean: ## Remove what was built; what was published (var/) stays.
	@swift package clean
