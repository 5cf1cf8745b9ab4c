# Mutoscope. `make` lists the targets.

PYTHON ?= python3
BIN := .venv/bin
# As many processes as there are cores, four at most: beyond that the one PostgreSQL of the suite is the limit.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4

.DEFAULT_GOAL := help
.PHONY: help up test check format lint types bench crash map docs lock clean install install-dev

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: install ## Start everything and print the address; Ctrl-C stops it
	@$(BIN)/mutoscope up

test: install-dev ## Run the whole test suite
	@$(PYTEST) $(ARGS)

check: install-dev ## What CI runs: format, lint, types, import contracts, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST) $(ARGS)

format: install-dev ## Put the code into the house's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: install-dev ## Run the benchmarks and print their tables (NAME=... for one of them)
	@$(BIN)/python -m bench $(NAME)

crash: install-dev ## Run the long crash and race programmes that `make test` only samples
	@$(BIN)/python -m pytest -m crash --override-ini addopts= -p tests.plugin --import-mode=importlib $(ARGS)

map: install ## Print the contexts with their use cases and steps
	@$(BIN)/mutoscope map

docs: install-dev ## Build the documentation into site/
	@$(BIN)/python tools/settings_page.py
	@$(BIN)/python tools/use_cases_page.py
	@$(BIN)/zensical build --clean

lock: install-dev ## Make the lock files anew from pyproject.toml and package.json
	@tools/lock.sh --upgrade

clean: ## Remove what was installed and built; keeps var/, where your data is
	@rm -rf .venv node_modules site dist src/mutoscope/web/static/vendor
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

install:
	@$(PYTHON) tools/install.py run

install-dev:
	@$(PYTHON) tools/install.py dev
