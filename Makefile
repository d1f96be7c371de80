# Every target says what it does: `make help` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/runtime.stamp ## start a simulated Ultravox account and the exporter on it
	@$(BIN)/python -m exporter demo $(ARGS)

.PHONY: test
test: lint types check ## everything that CI runs: linters, types, every test, coverage

.PHONY: lint
lint: .venv/dev.stamp ## formatting, lint, the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

.PHONY: types
types: .venv/dev.stamp ## mypy, strict
	$(BIN)/mypy

.PHONY: check
check: .venv/dev.stamp ## the tests; those below the whole process hold branch coverage at 100 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 4 --dist worksteal --ignore tests/e2e
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report
	$(BIN)/python -m pytest -n 4 --dist worksteal tests/e2e

.PHONY: mutants
mutants: .venv/dev.stamp ## take each guard of the alert rules away: their tests must notice (minutes)
	@$(BIN)/python -m tools.rule_mutants $(ARGS)

.PHONY: bench
bench: .venv/dev.stamp ## what a scrape costs, side by side with others (minutes; ARGS=--quick for a first look)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: truth
truth: .venv/dev.stamp ## are the batch alerts true? hundreds of random campaigns (minutes; ARGS=--seed=N for others)
	@$(BIN)/python -m tools.alert_truth $(ARGS)

.PHONY: format
format: .venv/dev.stamp ## let ruff format and mend what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: .venv/dev.stamp ## write the generated pages anew
	$(BIN)/python -m tools.docs.pages

.PHONY: picture
picture: .venv/dev.stamp ## draw the preview of the dashboard anew (needs Prometheus and chromium)
	$(BIN)/python -m tools.preview

.PHONY: lock
lock: .venv/dev.stamp ## resolve the locked versions anew, with hashes, from the floors in pyproject.toml
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --upgrade

.PHONY: clean
clean: ## remove what the other targets made
	rm -rf .venv .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements/runtime.txt | .venv/bin/python
	$(PIP) install --require-hashes --requirement $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml .venv/runtime.stamp
	$(PIP) install --require-hashes --requirement $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
