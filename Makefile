# Everything a developer does here. The set-up is a file target: it runs again when its inputs change.

.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
# without bytecode: half of it would never be used, and the rest is made at the first import
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-options
SOURCES := src tests benchmarks

# of the Pythons that are new enough the quickest: one that was built without the help of a profile
# costs a quarter more for every bill; `make PYTHON=/path/to/python3 …` decides otherwise
HOW_QUICK := import ensurepip, sys, time, timeit; assert sys.version_info >= (3, 11); \
	work = "for i in range(20000): d[i & 7] = str(i)"; \
	print(min(timeit.repeat(work, "d = {}", time.process_time, 12, 1)), sys.executable)
PYTHON ?= $(shell for round in 1 2 3; do \
	for python in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c '$(HOW_QUICK)' 2>/dev/null; done; done | sort -g | head -n 1 | cut -d' ' -f 2)

# compiled modules are kept: without them every process of a test compiles the whole house again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo serve test check bench soak clean requirements schema reference

help: ## print this
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /\1|/' | awk -F'|' '{printf "make %-13s %s\n", $$1, $$2}'

demo: .venv/ready ## set up, run some thousand visits against a fresh server, report and reconcile
	@$(BIN)/yibao demo

serve: .venv/ready ## keep a sandbox running (data in var/), print its address
	@$(BIN)/yibao serve --sandbox

test: check ## check, then every other test, and every property with all its examples
	@$(BIN)/pytest -n 2 --dist loadgroup -m "database or system or thorough or hypothesis"

check: .venv/ready-for-development ## style, types, walls between rooms, tests without a database
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q -n 2 --hypothesis-profile quick -m "not database and not system and not thorough"

bench: .venv/ready ## visits per second on this machine, and how far that is from its floors
	@$(BIN)/python -m benchmarks.visits --seconds 30
	@$(BIN)/python -m benchmarks.in_process

soak: .venv/ready-for-development ## a world that fails on purpose, seed after seed to the first fault: make soak HOURS=8 SEED=1
	@$(BIN)/python -m tests.world --seed $(or $(SEED),1) --hours $(or $(HOURS),1) --minutes 3 --shrink 6

clean: ## remove the environment, caches and the sandbox's data
	rm -rf .venv var dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

requirements: .venv/ready-for-development ## resolve requirements/*.in anew, with hashes
	$(COMPILE) --upgrade --output-file requirements/runtime.txt requirements/runtime.in
	$(COMPILE) --upgrade --output-file requirements/build.txt requirements/build.in
	$(COMPILE) --upgrade --output-file requirements/development.txt requirements/development.in

schema: .venv/ready ## write the kept schema from the migrations
	@$(BIN)/python -m yibao.platform.migrations.schema

reference: .venv/ready ## write the reference of the interface from the code
	@$(BIN)/python -m yibao.gateway.reference docs/interface

.venv/ready: pyproject.toml requirements/runtime.txt requirements/build.txt
	@test -x $(BIN)/python || { python="$(PYTHON)"; \
		test -n "$$python" || { echo "Yibao needs Python 3.11 or later, and there is none on the path." >&2; exit 1; }; \
		echo "making .venv with $$python"; "$$python" -m venv .venv; }
	@echo "installing what Yibao needs to run"
	@$(INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/build.txt
	@$(INSTALL) --no-build-isolation -e .
	@touch $@

.venv/ready-for-development: .venv/ready requirements/development.txt
	@echo "installing what the checks need"
	@$(INSTALL) --require-hashes -r requirements/runtime.txt -r requirements/development.txt
	@touch $@
