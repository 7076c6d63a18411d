# `make check` is the one command for people and CI alike; it never writes. `make fix` does.
PY ?= .venv/bin/python

.PHONY: check fix test types layers docs bench

check: lint types layers docs test

lint:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types:
	$(PY) -m mypy

layers:
	$(PY) -c "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

docs:
	$(PY) -m cogapp --check README.md docs/agents.md docs/data.md docs/rules.md

test:
	$(PY) -m pytest

fix:
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) -m cogapp -r README.md docs/agents.md docs/data.md docs/rules.md

bench:
	$(PY) -m benchmarks.robots_parse
