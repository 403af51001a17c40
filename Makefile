# The two commands of the README: `make demo` and `make test`. Both make .venv from the lock when it is needed.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test test-all check format install lock bench-colour bench-comp bench-crowd bench-mattes bench-generate bench-grain bench-relight bench-review bench-sets bench-solve clean

demo: install
	$(BIN)/battleplate demo build/demo

# A file's tests stay in one process: they share what was solved and rendered for them.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

test: install
	$(PYTEST)

test-all: install
	$(PYTEST) -m "slow or not slow"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench-colour: install
	$(BIN)/python -m benchmarks.colour

bench-comp: install
	$(BIN)/python -m benchmarks.comp

bench-crowd: install
	$(BIN)/python -m benchmarks.crowd
	$(BIN)/python -m benchmarks.crowd_simulation

# pymatting stands beside ours there, and is no dependency.
bench-mattes: install
	$(BIN)/python -m pip install --quiet --no-deps --upgrade --target build/peers pymatting==1.1.16
	PYTHONPATH=build/peers $(BIN)/python -m benchmarks.mattes

bench-grain: install
	$(BIN)/python -m benchmarks.grain

bench-relight: install
	$(BIN)/python -m benchmarks.relight

bench-review: install
	$(BIN)/python -m benchmarks.review

bench-sets: install
	$(BIN)/python -m benchmarks.sets

bench-solve: install
	$(BIN)/python -m benchmarks.solve

bench-generate: install
	$(BIN)/python -m benchmarks.generate

install: $(STAMP)

# torch first and by its exact version: any other package that asks for it would bring the newest CUDA build.
$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' requirements.lock)
	$(BIN)/python -m pip install --quiet -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# Renew the pins from pyproject.toml's requirements, in a fresh environment.
lock:
	$(PYTHON) tools/lock.py

clean:
	rm -rf build .pytest_cache .mypy_cache .ruff_cache
