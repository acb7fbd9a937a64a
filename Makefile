# Two commands do everything: `make sandbox` shows the product, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# The locks are complete, so nothing is resolved at install time; their hashes are all that counts.
LOCKED := $(PIP) install --quiet --no-deps --require-hashes
# What GitHub publishes about its files; the package carries copies.
SCHEMA := $(BIN)/check-jsonschema --quiet --builtin-schema vendor.github

.DEFAULT_GOAL := help
.PHONY: help sandbox test crash crash-machines soak check format bench bench-scale fuzz lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

sandbox: .venv/server ## run the whole bot on this machine: no account, key, Redis or internet
	@$(BIN)/gptimage sandbox --comment examples/comment.md $(ARGS)

test: .venv/dev ## run all tests, real Valkey and real PostgreSQL included
	@$(BIN)/python -m pytest -n 3 --dist worksteal -m 'not long' $(ARGS)

crash: .venv/dev ## fuzz it, kill it at every step, then at any moment (SEED=… MINUTES=…): one page
	@$(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED))
	@$(BIN)/python -m pytest -m long -o faulthandler_timeout=900
	@$(BIN)/python -m tests.crash $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

crash-machines: .venv/dev ## 3 webs and 4 workers, one of them killed every 5 s (SEED=…): one page
	@$(BIN)/python -m tests.crash.machines $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: .venv/dev ## let it work for long in a faulty world (MINUTES=…): memory, files, money
	@$(BIN)/python -m tests.crash.soak $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

check: .venv/dev ## ruff, mypy, import-linter, zizmor, and GitHub's schemas
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zizmor --offline --persona=pedantic --strict-collection --no-progress .github action.yml examples/workflows/*.yml
	$(SCHEMA)-workflows .github/workflows/*.yml examples/workflows/*.yml
	$(SCHEMA)-actions action.yml
	$(SCHEMA)-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(SCHEMA)-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml

format: .venv/dev ## let ruff put the code in order
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/dev ## measure, and print ratios against the ideal
	@$(BIN)/python bench/run.py $(ARGS)

fuzz: .venv/dev ## send what strangers may send, for MINUTES=… (SEED=…)
	@$(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

bench-scale: .venv/dev ## measure what a run costs in a long line, and an image after 100,000 others
	@$(BIN)/python bench/scale.py $(ARGS)

lock: .venv/dev ## write requirements/*.txt anew from pyproject.toml
	requirements/lock $(ARGS)

clean: ## remove what these commands made
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@echo "Making the environment in .venv (once; most of it is the download) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv

# What serving needs; `gptimage` itself is installed in place, without asking an index for anything.
.venv/server: requirements/server.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@$(LOCKED) -r requirements/server.txt -r requirements/build.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@

.venv/dev: requirements/dev.txt .venv/server
	@$(LOCKED) -r requirements/dev.txt
	@touch $@
