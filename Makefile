# `make check` is the one command for people and CI. It never writes; `make fix` does.
PY ?= .venv/bin/python
GENERATED = zensical.toml docs/reference/commands.md docs/reference/agents.md docs/reference/data.md docs/explanation/rules.md docs/reference/near-misses.md docs/reference/limits.md docs/how-to/auditor/serve.md

.PHONY: check fix lint test types layers docs site picture subjects protocol measures bench lock locked audit sbom

check: lint types layers docs subjects test

lint:
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types:
	$(PY) -m mypy

layers:
	$(PY) -c "import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())"

docs:
	$(PY) -m cogapp --check $(GENERATED)
	$(PY) tools/check_links.py

# The website of the documentation, without a network; needs the extra [docs].
site:
	$(PY) -m zensical build --clean --strict

# The picture in README.md: the first screen of the demo's report. Needs chromium and Pillow.
picture:
	$(PY) -m crawler demo --quiet
	chromium --headless --no-sandbox --hide-scrollbars --window-size=1000,862 \
		--screenshot=output/demo/report.png output/demo/report.html
	$(PY) -c "from PIL import Image; Image.open('output/demo/report.png').quantize(48, dither=0).save('docs/images/report.png', optimize=True)"

# Subjects of the commits that origin/main does not have, or of the last commit where there is no
# such branch (a shallow clone may lack it). Without git or without a commit there is none to check.
subjects:
	@git rev-parse -q --verify HEAD >/dev/null 2>&1 || { echo "no commit, so no subject to check"; exit 0; }; \
	if git rev-parse -q --verify origin/main >/dev/null 2>&1; then range="origin/main..HEAD"; else range="-1"; fi; \
	git log --no-merges --format=%s $$range | awk ' \
		length($$0) > 72 { print "subject over 72 characters: " $$0; bad = 1 } \
		/\.$$/ { print "subject ends with a period: " $$0; bad = 1 } \
		END { exit bad }'

test:
	$(PY) -m pytest

fix:
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .
	$(PY) -m cogapp -r $(GENERATED)

# make protocol NAME=opt_txt FAMILY=files [URL=/opt.txt]
protocol:
	$(PY) tools/new_protocol.py $(NAME) $(FAMILY) $(if $(URL),--url $(URL))

measures:
	$(PY) -m benchmarks.code_measures

bench:
	$(PY) -m benchmarks.robots_parse

# What is installed, with the SHA-256 of every file: for Linux, and Python from 3.11 on.
SUPPLY = build/supply-chain
PLATFORMS = --universal --python-version 3.11 --extra dev --extra media

$(SUPPLY): tools/supply_chain.txt
	python3 -m venv $@
	$@/bin/pip install -q -r tools/supply_chain.txt
	touch $@

lock: $(SUPPLY)
	$(SUPPLY)/bin/uv pip compile -q pyproject.toml .ci/lock.in $(PLATFORMS) \
		--upgrade --generate-hashes --no-header --no-annotate -o .ci/lock.txt

# An environment of exactly these files; `.ci/run` finds everything there already.
locked:
	python3 -m venv .venv
	.venv/bin/pip install -q --require-hashes -r .ci/lock.txt
	.venv/bin/pip install -q --no-deps --no-build-isolation -e .

# Known vulnerabilities, asked of the advisory service of pip-audit; so it needs a network.
audit: $(SUPPLY)
	$(SUPPLY)/bin/pip-audit --disable-pip --require-hashes -r .ci/lock.txt

sbom: $(SUPPLY)
	$(SUPPLY)/bin/cyclonedx-py requirements .ci/lock.txt --pyproject pyproject.toml -o build/sbom.json
