# Everything a person types. On a fresh machine with Python 3.11 or newer, `make run` or `make test` is enough.
PYTHON ?= python3
TORCH ?= torch==2.13.0
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: run test check bench triton lock clean

run: $(VENV)/.run
	@exec $(BIN)/python manage.py up

test: $(VENV)/.dev
	$(BIN)/python -m pytest

check: $(VENV)/.dev
	$(BIN)/python scripts/check.py

# All benchmarks, each in a process of its own; `python -m scripts.bench NAME` runs one.
bench: $(VENV)/.dev
	$(BIN)/python -m scripts.bench

# NVIDIA's Triton server from PyPI, in an environment of its own: for its tests, and to try a model under load on this machine.
triton: .venv-triton/.ready

lock:
	$(PYTHON) scripts/lock.py

clean:
	rm -rf $(VENV) .venv-triton build .mypy_cache .ruff_cache .pytest_cache

# torch comes first and pinned, so that the machine keeps the build that suits it; the rest is exact and hashed.
$(VENV)/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Anneal needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(TORCH)
	$(PIP) install --no-deps --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(PIP) install --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

.venv-triton/.ready: requirements-triton.txt
	$(PYTHON) -m venv .venv-triton
	.venv-triton/bin/python -m pip --disable-pip-version-check install --no-deps --require-hashes -r requirements-triton.txt
	@touch $@
