# make run    sets everything up, simulates a cold and a hot tumor and writes the comparison report
# make claims runs the claims of the reviews as experiments (about half an hour on two cores)
# make reproduce repeats published experiments on the shipped tumors (some hours on two cores)
# make verify checks the program against theory (a minute and a half on two cores; more when the machine is busy)
# make bench  measures what a step costs (some minutes; more when the machine is busy)
# make view   sets everything up and opens the browser page on a running tumor
# make test   sets everything up and runs ruff, mypy, import-linter and the quick tests
# make smoke  installs the package as a user does, without constraints, on the newest Python here, and runs a tumor
.DEFAULT_GOAL := help
.PHONY: help run claims reproduce verify bench view test test-all smoke lint clean
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

# Where `make reproduce` writes, and the first of its seeds; what is there already is not run again.
REPRODUCE ?= results/reproduce
SEED ?= 1

# The browser in which the tests drive the page; where there is none, they need none of what drives it.
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)

# What `make view` shows and where.
SCENARIO ?= hot
PORT ?= 8765

help:
	@echo 'make run       compare a cold and a hot tumor; the report goes to $(OUT)/report.html'
	@echo 'make claims    run the claims of the reviews as experiments; the report goes to $(CLAIMS)/claims.html'
	@echo 'make reproduce repeat published experiments; the report goes to $(REPRODUCE)/reproduce.html'
	@echo 'make verify    check the program against theory; the report goes to results/verification'
	@echo 'make bench     measure what a step costs; the tables are Markdown on stdout'
	@echo 'make view      watch a tumor ($(SCENARIO)) live in the browser, http://127.0.0.1:$(PORT)'
	@echo 'make test      ruff, mypy, import-linter, quick tests'
	@echo 'make test-all  the same with the slow tests'
	@echo 'make smoke     a plain install on the newest Python of this machine, and a short run'
	@echo 'make lint      ruff, mypy, import-linter'
	@echo 'make clean     remove the environment and caches (results stay)'

run: $(VENV)/.ready
	$(BIN)/tme-abm compare cold hot --replicates $(REPLICATES) --days $(DAYS) --out $(OUT)
	@echo 'The report is $(abspath $(OUT))/report.html'

claims: $(VENV)/.ready
	$(BIN)/tme-abm claims --out $(CLAIMS)

reproduce: $(VENV)/.ready
	$(BIN)/tme-abm reproduce --seed $(SEED) --out $(REPRODUCE)

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

# The newest Python of this machine, also of pyenv, that can make environments.
NEWEST ?= $(shell for p in $$HOME/.pyenv/versions/*/bin/python3 python3 python3.11 python3.12 python3.13 python3.14 python3.15; do \
	$$p -c 'import ensurepip, sys, venv; print("%d.%d.%d" % sys.version_info[:3], sys.executable)' 2>/dev/null; \
	done | sort -V | tail -1 | cut -d' ' -f2)

# With whatever versions of other packages pip finds today; from outside the checkout, so that the wheel is what runs.
smoke:
	@test -n '$(NEWEST)' || { echo 'no Python with venv was found' >&2; exit 1; }
	@[ "$$($(NEWEST) -c 'import sys; print(sys.version)')" != "$$($(PYTHON) -c 'import sys; print(sys.version)')" ] || \
		echo 'note: there is no newer Python than the one that `make test` uses' >&2
	@place=$$(mktemp -d) && trap "rm -rf $$place" EXIT && set -e && \
	$(NEWEST) -m venv $$place/env && $$place/env/bin/python -m pip install -qq --no-compile . && cd $$place && \
	env/bin/tme-abm --help >help.txt && \
	env/bin/tme-abm run hot --days 0.05 --set 'lattice.shape=[64, 64]' --set tumor.cells=200 --out run && \
	env/bin/python -c 'import mesa, sys, tme_abm; print("smoke: Python", *sys.version.split()[:1], "Mesa", mesa.__version__)'

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
