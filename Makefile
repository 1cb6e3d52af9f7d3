# make run    sets everything up, simulates a cold and a hot tumor and writes the comparison report
# make claims runs the claims of the reviews as experiments (about half an hour on two cores)
# make verify holds the program against theory (four minutes; more when the machine is busy)
# make bench  measures what a step costs (some minutes; more when the machine is busy)
# make view   sets everything up and opens the browser page on a running tumor
# make test   sets everything up and runs ruff, mypy, import-linter and the quick tests
.DEFAULT_GOAL := help
.PHONY: help run claims verify bench view test test-all lint clean
SHELL := /bin/bash

# The first Python that is new enough; `make PYTHON=...` decides otherwise.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

# How much `make run` computes and where it writes.
REPLICATES ?= 3
DAYS ?= 10
OUT ?= results/cold-vs-hot

# Where `make claims` writes; what is there already is not run again.
CLAIMS ?= results/claims

# The browser in which the tests drive the page; where there is none, they need none of what drives it.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# What `make view` shows and where.
SCENARIO ?= hot
PORT ?= 8765

help:
	@echo 'make run       compare a cold and a hot tumor; the report goes to $(OUT)/report.html'
	@echo 'make claims    run the claims of the reviews as experiments; the report goes to $(CLAIMS)/claims.html'
	@echo 'make verify    hold the program against theory; the report goes to results/verification'
	@echo 'make bench     measure what a step costs; the tables go to results/bench'
	@echo 'make view      watch a tumor ($(SCENARIO)) live in the browser, http://127.0.0.1:$(PORT)'
	@echo 'make test      ruff, mypy, import-linter, quick tests'
	@echo 'make test-all  the same with the slow tests'
	@echo 'make lint      ruff, mypy, import-linter'
	@echo 'make clean     remove the environment and caches (results stay)'

run: $(VENV)/.ready
	$(BIN)/tme-abm compare cold hot --replicates $(REPLICATES) --days $(DAYS) --out $(OUT)
	@echo 'The report is $(CURDIR)/$(OUT)/report.html'

claims: $(VENV)/.ready
	$(BIN)/tme-abm claims --out $(CLAIMS)

verify: $(VENV)/.ready
	$(BIN)/tme-abm verify

bench: $(VENV)/.ready
	$(BIN)/tme-abm bench

view: $(VENV)/.ready-view
	$(BIN)/tme-abm view $(SCENARIO) --port $(PORT)

test: lint
ifneq ($(CHROMIUM),)
	@$(MAKE) --no-print-directory $(VENV)/.ready-browser || \
		echo "note: the extra 'browser' could not be installed; the tests that drive the page in $(CHROMIUM) skip themselves" >&2
else
	@echo 'note: no chromium; the tests that drive the page in a browser skip themselves (apt install chromium)' >&2
endif
	$(BIN)/python -m pytest -m 'not slow'

test-all: lint $(VENV)/.ready-browser $(VENV)/.ready-interop
	$(BIN)/python -m pytest

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The stamps make repeated calls cheap: they are older than what they were made from only after an edit of it.
$(VENV)/.ready: pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; say where it is: make PYTHON=/path/to/python3' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

# With the page's scripts and fonts (about 240 MB), so that it needs no internet when it runs.
$(VENV)/.ready-view: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[offline]'
	@touch $@

$(VENV)/.ready-browser: $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[browser]'
	@touch $@

# The tools that exports are made for, to see that they take them (about 1 GB).
$(VENV)/.ready-interop: $(VENV)/.ready-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[interop]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
