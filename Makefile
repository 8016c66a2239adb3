# `make demo` and `make test` do all set-up on a fresh machine; both build and reuse .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DOMAIN ?= spot

.PHONY: demo test coverage lint bench clean servers llm

demo: $(VENV)/.core $(if $(filter 1,$(LLM)),llm)
	LLM=$(LLM) $(BIN)/python -m demo $(DOMAIN)

test: $(VENV)/.dev servers lint
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal $(PYTEST_ARGS)

# To measure the processes that tests start doubles what they take, so this is a run of its own.
coverage:
	$(MAKE) test PYTEST_ARGS="--cov --cov-report=term:skip-covered --timeout 900 $(PYTEST_ARGS)"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# The real servers and the browser that tests use: installed where that is allowed, else those tests say so loudly.
servers:
	@.ci/install-servers

# The runtime of language models, and a small model: compiled once for this machine, then kept.
llm: $(VENV)/.core
	@.ci/install-llm

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cutover needs Python 3.11 or newer; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: requirements.txt setup.cfg | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.core
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@

clean:
	rm -rf $(VENV) var parity-report build *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage htmlcov
