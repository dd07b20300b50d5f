# Two commands: `make up` runs the exchange, `make test` proves it right. `make help` lists the rest.
# Everything is installed into .venv, and only when pyproject.toml or requirements.lock has changed.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13 python3.14 python; do \
	command -v $$p >/dev/null 2>&1 \
	&& $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& echo $$p && break; done)
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check -c requirements.lock
SOURCES := shared engine api broadcaster aggregator history rialto tests $(wildcard bench)
ARGS ?=
.DEFAULT_GOAL := help
.PHONY: up test check format docs compiled plain reset clean help

help: ## List the commands
	@echo "make up       start everything (ARGS='--home /var/lib/rialto' passes arguments on)"
	@echo "make test     lint, types and every test; ARGS='tests/engine -k book -s' runs pytest with these only"
	@echo "make check    lint and types only"
	@echo "make format   format the code"
	@echo "make docs     write what is made from the settings and the feed's types: CONFIGURATION.md, .env.example, asyncapi.json"
	@echo "make compiled compile the core with mypyc: optional, the same results, about half as fast again"
	@echo "make plain    run the core from its sources again"
	@echo "make reset    empty RIALTO_HOME, after asking"
	@echo "make clean    remove the virtual environment and the caches"

# Python writes `activate` last: without it the making was cut short, and nothing here can be relied on.
$(BIN)/activate:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
		2>/dev/null || { echo "Rialto needs Python 3.11 or later with its venv module: \
	install it (on Debian: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

# The Python that it was made with may go away, with an update of the system.
$(BIN)/python: | $(BIN)/activate
	@test -x $@ || $(PYTHON) -m venv $(VENV)

# Two stamps: to run the exchange nobody needs the test tools.
$(VENV)/.installed: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing Rialto (once; about a minute) ..."
	@$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing Rialto and its test tools (once; about a minute) ..."
	@$(PIP_INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed

# exec: rialto takes the shell's place, so that it is rialto that a Ctrl-C or a SIGTERM of make reaches, and
# make waits while it stops its services.
up: $(VENV)/.installed ## Start everything
	@exec $(BIN)/rialto up $(ARGS)

ifeq ($(strip $(ARGS)),)
test: check
	@$(BIN)/python -m pytest -n 2 --dist loadfile --ignore=tests/e2e
# Whole systems against the clock of clients: by processes that have not grown with all the others.
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests/e2e
else
test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest $(ARGS)
endif

check: $(VENV)/.installed-dev
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/mypy

format: $(VENV)/.installed-dev
	@$(BIN)/ruff check --fix-only --quiet $(SOURCES)
	@$(BIN)/ruff format $(SOURCES)

docs: $(VENV)/.installed
	@$(BIN)/python -c "from pathlib import Path; from shared.settings_docs import write_pages; write_pages(Path())"
	@$(BIN)/python -c "from pathlib import Path; from shared.feed.contract.asyncapi import write_page; write_page(Path())"

compiled: $(VENV)/.installed-dev ## Compile the core, optional
	@echo "Compiling the core (about half a minute) ..."
	@$(BIN)/python -c "from engine.compiled import build; build()"

plain: | $(BIN)/python ## Run the core from its sources again
	@$(BIN)/python -c "from engine.compiled import remove; remove()"

reset: $(VENV)/.installed
	@exec $(BIN)/rialto reset $(ARGS)

clean:
	@find engine -name '*.so' -delete; rm -f engine/core/compiled.blake2b
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
