# Every chore is one command; `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet
NOTEBOOK := examples/01_meter_a_cell.ipynb

# Anything but nothing and 0 counts as yes: `make demo SIMULATED=1`.
is = $(filter-out 0,$(1))
SIMULATED ?=
STRICT ?=
OUT := demo-output$(if $(call is,$(SIMULATED)),/simulated)

# The panel is built by Node.js from PyPI, with the packages that yarn.lock names.
JLPM := cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" jlpm
MODULES := labextension/node_modules/.installed
PANEL := labextension/lib/.built
# Of this environment alone: the user's own settings stay as they are.
LAB_SETTINGS := $(VENV)/share/jupyter/lab/settings
PANEL_SOURCES := $(wildcard labextension/*.json labextension/src/*.* \
  labextension/src/views/* labextension/style/* labextension/schema/*)

.DEFAULT_GOAL := help
.PHONY: help demo appendix lab panel test units lint types format coverage accuracy bench bench-panel pictures dist clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)

demo: $(VENV)/.demo ## execute the example notebook and show what its cells cost
	@rm -rf $(OUT)/ledger $(OUT)/$(notdir $(NOTEBOOK))
	@mkdir -p $(OUT)
	@echo "Executing $(NOTEBOOK) ..."
	@$(demo_settings) $(BIN)/jupyter execute $(NOTEBOOK) \
	  --output=$(CURDIR)/$(OUT)/$(notdir $(NOTEBOOK)) \
	  2> $(OUT)/execution.log || { cat $(OUT)/execution.log >&2; exit 1; }
	@echo
	@$(BIN)/jupyter green records --ledger $(OUT)/ledger
	@echo
	@echo "Executed notebook: $(OUT)/$(notdir $(NOTEBOOK))"
	@echo "Ledger:            $(OUT)/ledger"

# The demo has a ledger of its own: nothing of it counts among the user's work.
demo_settings = JUPYTER_GREEN_LEDGER=$(CURDIR)/$(OUT)/ledger \
  JUPYTER_GREEN_NOTEBOOK=$(NOTEBOOK) \
  $(if $(call is,$(SIMULATED)),JUPYTER_GREEN_SIMULATED=1)

appendix: $(VENV)/.demo ## run the example study and make its report in Markdown and PDF anew
	@rm -rf $(OUT)/appendix
	@mkdir -p $(OUT)/appendix
	@echo "Executing $(STUDY)/train_and_tune.ipynb (minutes) ..."
	@$(study_settings) $(BIN)/jupyter execute $(STUDY)/train_and_tune.ipynb \
	  --output=$(CURDIR)/$(OUT)/appendix/train_and_tune.ipynb \
	  2> $(OUT)/appendix/execution.log || \
	  { cat $(OUT)/appendix/execution.log >&2; exit 1; }
	@cd $(STUDY) && $(study_settings) $(CURDIR)/$(BIN)/jupyter green report \
	  --format all --pdf --output $(CURDIR)/$(OUT)/appendix/report
	@$(study_settings) $(BIN)/jupyter green verify \
	  $(OUT)/appendix/report/energy-report.json
	$(if $(call is,$(SIMULATED)),,@mkdir -p $(STUDY)/report && cd $(OUT)/appendix/report && \
	  cp energy-appendix.md energy-standalone.pdf fig-*.svg $(CURDIR)/$(STUDY)/report/)

STUDY := examples/02_transparency_appendix
# A ledger of its own, as for the demo.
study_settings = JUPYTER_GREEN_LEDGER=$(CURDIR)/$(OUT)/appendix/ledger \
  JUPYTER_GREEN_NOTEBOOK=train_and_tune.ipynb \
  $(if $(call is,$(SIMULATED)),JUPYTER_GREEN_SIMULATED=1)

cookbook: $(VENV)/.cookbook ## measure what each strategy of the cookbook saves here (minutes)
	@rm -rf cookbook-output
	@echo "Executing examples/cookbook ..."
	@$(if $(call is,$(SIMULATED)),JUPYTER_GREEN_SIMULATED=1) $(BIN)/python \
	  examples/cookbook/cook.py cookbook-output

lab: $(PANEL) ## open JupyterLab on the examples, the panel beside them
	@mkdir -p $(LAB_SETTINGS)
	@echo '{"jupyter-green:plugin": {"openAtStart": true}}' > $(LAB_SETTINGS)/overrides.json
	$(if $(call is,$(SIMULATED)),JUPYTER_GREEN_SIMULATED=1) $(BIN)/jupyter lab \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(NOTEBOOK)

panel: $(PANEL) ## build the panel and link it into the environment

test: lint types units ## set up and run everything: lint, types, tests (STRICT=1: all of them)
	$(BIN)/python -m pytest $(if $(call is,$(STRICT)),--nothing-left-out)

units: $(PANEL) ## run the panel's own tests, and see that it is small
	@$(JLPM) test
	@$(JLPM) size

lint: $(VENV)/.dev $(MODULES) ## check style, formatting and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	@$(JLPM) lint

types: $(VENV)/.dev ## check types
	$(BIN)/mypy

format: $(VENV)/.dev $(MODULES) ## format the sources and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	@$(JLPM) format

coverage: $(VENV)/.dev ## run the tests and show the branches they miss
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

accuracy: $(VENV)/.dev ## make the tables and pictures of docs/accuracy.md anew (eight minutes)
	@$(BIN)/python tests/accuracy.py --picture docs/images/accuracy.png
	@$(BIN)/python tests/peers.py --picture docs/images/peers.png

bench: $(VENV)/.dev ## measure what metering costs (half a minute), beside zeus and codecarbon
	@$(BIN)/python tests/bench.py --picture docs/images/benchmarks.png
	@$(BIN)/python tests/bench_server.py

bench-panel: $(PANEL) ## measure what the panel costs in the browser (a quarter of an hour, Chromium)
	@$(BIN)/python tests/browser/bench_panel.py

pictures: $(PANEL) demo ## make docs/images anew from the demo (needs Chromium)
	$(BIN)/python docs/pictures.py $(OUT)/$(notdir $(NOTEBOOK)) docs/images
	$(BIN)/python docs/panel_picture.py docs/images/panel.png

dist: $(VENV)/.dev ## build the wheel and the source distribution
	rm -rf dist jupyter_green/labextension labextension/lib
	$(BIN)/python -m build

clean: ## remove everything that was made, the virtual environment too
	rm -rf $(VENV) cookbook-output demo-output dist build .coverage .*_cache .hypothesis
	rm -rf jupyter_green/labextension labextension/lib labextension/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "jupyter_green needs Python 3.11 or later; '$(PYTHON)' is" \
	    "$$($(PYTHON) --version 2>&1)." \
	    "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "The virtual environment could not be made." \
	    "On Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(PIP) install --upgrade 'pip>=25.1'  # the first that knows dependency groups
	@touch $@

$(VENV)/.demo: $(VENV)/.created pyproject.toml labextension/package.json
	@SKIP_JUPYTER_BUILDER=1 $(PIP) install --editable . --group demo
	@touch $@

$(VENV)/.cookbook: $(VENV)/.created pyproject.toml labextension/package.json
	@SKIP_JUPYTER_BUILDER=1 $(PIP) install --editable . --group cookbook
	@touch $@

$(VENV)/.dev: $(VENV)/.created pyproject.toml labextension/package.json
	@SKIP_JUPYTER_BUILDER=1 $(PIP) install --editable . --group dev
	@touch $@ $(VENV)/.demo $(VENV)/.cookbook

$(MODULES): labextension/package.json labextension/yarn.lock | $(VENV)/.dev
	@$(JLPM) install --immutable
	@touch $@

$(PANEL): $(MODULES) $(PANEL_SOURCES)
	@$(JLPM) build:prod
	@mkdir -p $(VENV)/share/jupyter/labextensions
	@rm -rf $(VENV)/share/jupyter/labextensions/jupyter-green
	@ln -s $(CURDIR)/jupyter_green/labextension \
	  $(VENV)/share/jupyter/labextensions/jupyter-green
	@touch $@
