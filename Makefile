.DEFAULT_GOAL := help
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCE ?= sample
MONTH ?=
OUT ?= reports
TESTS ?= not slow and not browser
JOBS ?= auto
SEED ?=
# Two processes test at once, and threads of linear algebra would wait for each other, busily: of two such files a third of the time is left.
test: export OPENBLAS_NUM_THREADS := 1
.PHONY: help setup report test browser lint types notebooks workshop check truth bench lab sample clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  %-12s %s\n", $$1, $$2}'

setup: $(READY) ## Make .venv and install the pinned packages into it

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(READY)

report: $(READY) ## Build a month's pages: make report SOURCE=my/retainkit.toml MONTH=2026-10
	$(BIN)/retainkit report "$(SOURCE)" $(if $(MONTH),--month $(MONTH)) --out "$(OUT)"

test: $(READY) ## Run every test: the code's, the examples in its docs, and the notebooks
	$(BIN)/python -m pytest -q -n $(JOBS) --maxprocesses 4 --dist loadfile -m "$(TESTS)"
	$(BIN)/python -m pytest -q -n $(JOBS) --maxprocesses 4 --dist loadfile --nbval --nbval-current-env --nbval-cell-timeout 120 notebooks

browser: $(READY) ## Look at the pages in headless Chromium, with axe (minutes)
	$(BIN)/python -m pytest -q -m browser

lint: $(READY) ## Check style
	$(BIN)/ruff check retainkit tests notebooks

types: $(READY) ## Check types
	$(BIN)/mypy

notebooks: $(READY) ## Run the notebooks again and keep their outputs
	$(BIN)/retainkit notebooks --execute

workshop: $(READY) ## Write the workshop for a room, with a zip: make workshop SEED=7
	$(BIN)/retainkit workshop $(if $(SEED),--seed $(SEED))

check: lint types test ## Everything CI runs, in the same order

truth: $(READY) ## Test the statistical promises on simulated shops (minutes)
	$(BIN)/python -m tests.truth

bench: $(READY) ## Measure the costs, as multiples of a plain scan
	$(BIN)/python -m tests.benchmarks

lab: $(READY) ## Open JupyterLab on the first notebook
	$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

sample: $(READY) ## Write data/sample again (byte for byte the same)
	$(BIN)/python -m retainkit.simulate data/sample

clean: ## Remove what was built (not the cache of stores)
	rm -rf build dist reports .pytest_cache .mypy_cache .ruff_cache .hypothesis
