# `make help` lists the targets. Each target installs what it needs into .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# The parts of `test` run one after the other, also under `make -j`: each uses several cores.
.NOTPARALLEL:
.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

.PHONY: demo
demo: .venv/runtime.stamp ## start a simulated Ultravox account and the exporter (60 times as fast: ARGS=--speed=60)
	@$(BIN)/python -m exporter demo $(ARGS)

.PHONY: test
test: lint types unit e2e ## run the whole suite: lint, types, unit, e2e

.PHONY: lint
lint: .venv/dev.stamp ## check formatting, lint rules and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache

.PHONY: types
types: .venv/dev.stamp ## check types with mypy in strict mode
	$(BIN)/mypy

.PHONY: unit
unit: .venv/dev.stamp ## run the tests outside of tests/e2e; they must cover 100 % of the branches of exporter/
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 4 --dist worksteal --ignore tests/e2e
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: e2e
e2e: .venv/dev.stamp ## run tests/e2e: real processes of the exporter, Prometheus, Alertmanager and a browser
	$(BIN)/python -m pytest -n 4 --dist worksteal tests/e2e

.PHONY: format
format: .venv/dev.stamp ## format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: docs
docs: .venv/dev.stamp ## generate the files that come from code: metrics page, JSON Schema, alert rules, dashboard
	$(BIN)/python -m tools.docs.pages

.PHONY: picture
picture: .venv/dev.stamp ## draw the picture of the dashboard (needs Prometheus and chromium)
	$(BIN)/python -m tools.preview

.PHONY: mutants
mutants: .venv/dev.stamp ## remove each guard of the alert rules, one at a time: a scenario must fail (10 minutes)
	@$(BIN)/python -m tools.rule_mutants $(ARGS)

.PHONY: truth
truth: .venv/dev.stamp ## count false and missed alerts in hundreds of random campaigns (minutes; ARGS=--seed=N)
	@$(BIN)/python -m tools.alert_truth $(ARGS)

.PHONY: fuzz
fuzz: .venv/dev.stamp ## give the API client random HTTP responses (5 minutes; ARGS="--minutes=60 --seed=N")
	@$(BIN)/python -m tests.fake_api.fuzz $(ARGS)

.PHONY: bench
bench: .venv/dev.stamp ## measure the cost of a scrape beside other exporters (minutes; shorter: ARGS=--quick)
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: lock
lock: .venv/dev.stamp ## write requirements/: the newest versions that pyproject.toml allows, with hashes
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --upgrade

.PHONY: clean
clean: ## remove .venv, caches and built packages
	rm -rf .venv .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache dist

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements/runtime.txt | .venv/bin/python
	$(PIP) install --require-hashes --requirement $<
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml .venv/runtime.stamp
	$(PIP) install --require-hashes --requirement $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
