# Two commands are enough: `make run` and `make test`. Both need Python 3.11+, make and the package registry, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
LANES ?= auto
REALTIME := tests/acceptance tests/browser
RUN_STAMP := $(VENV)/.run-stamp
TEST_STAMP := $(VENV)/.test-stamp
SEMGREP_STAMP := $(VENV)/.semgrep-stamp

# In CI, on shared cores, what fails is run once more by itself: both runs are in the log, and the second decides.
ifeq ($(CI),true)
AGAIN := || { echo "Once more, by themselves:"; $(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }
endif

.DEFAULT_GOAL := help
.PHONY: help run demo test check format docs bench clean

help: ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "PrepKit needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# --inexact: installing for a run must not take the test tools away again.
$(RUN_STAMP): pyproject.toml uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact --no-default-groups --extra embedded
	@touch $@

# In an environment of its own: it holds back what the tests need newer.
$(SEMGREP_STAMP): tests/house/semgrep/pyproject.toml tests/house/semgrep/uv.lock | $(UV)
	UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(VENV)/semgrep $(UV) sync --quiet --locked --project tests/house/semgrep --python $(BIN)/python
	@touch $@

$(TEST_STAMP): pyproject.toml uv.lock $(SEMGREP_STAMP) | $(UV)
	UV_PROJECT_ENVIRONMENT=$(VENV) $(UV) sync --quiet --locked --inexact --extra embedded --group test
	@touch $@ $(RUN_STAMP)

run: $(RUN_STAMP) ## start the server on http://127.0.0.1:8080
	@exec $(BIN)/prepkit serve

demo: $(RUN_STAMP) ## start a throw-away server with a seeded history
	@exec $(BIN)/prepkit demo

# Calls in real time come after the rest and one after the other: speech is heard late when tests compete for the cores.
test: $(TEST_STAMP) ## run every check and the whole test suite
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --cache-dir .import_linter_cache > .import_linter_cache.log || (cat .import_linter_cache.log; exit 1)
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m pytest -n $(LANES) --dist loadfile $(REALTIME:%=--ignore=%) $(AGAIN)
	@$(BIN)/python -m pytest $(REALTIME) $(AGAIN)
endif

check: $(TEST_STAMP) ## linters and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --cache-dir .import_linter_cache

format: $(TEST_STAMP) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(TEST_STAMP) ## remake the generated reference pages and the screenshots
	$(BIN)/python -m tests.browser.screenshots docs/screenshots
	$(BIN)/python -m tests.house.reference docs/reference

bench: $(RUN_STAMP) ## measure
	@exec $(BIN)/prepkit bench

clean: ## remove the environment and caches, never the data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .import_linter_cache.log
