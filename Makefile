# Everything starts here. Needs python3 (3.11 or newer, with venv) and make; each target sets up .venv itself.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Tests of one file stay together: they share what is slow to start.
TESTS := $(BIN)/python -m pytest --numprocesses auto --dist loadscope

.PHONY: sandbox test lint check audit bench bench-quick bench-figures storm fuzz shake messages screenshots lock clean
.DEFAULT_GOAL := test

sandbox: $(READY)  ## the whole bot in a browser, with no account
	$(BIN)/python -m sandbox

test: $(READY)  ## every test, on all processors
	$(TESTS)

# The same commands as in .pre-commit-config.yaml; tests/test_repository.py compares the two.
lint: $(READY)  ## lint, format, types, import layers, workflows, audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.tools.schemas
	$(BIN)/zizmor --offline --quiet --no-progress --strict-collection --persona auditor .github .pre-commit-config.yaml
	$(BIN)/python -m tests.tools.audit

check: lint bench-quick  ## `lint`, `bench-quick`, then every test with branch coverage: what CI runs
	$(TESTS) --cov --cov-report=term:skip-covered

audit: $(READY)  ## known vulnerabilities of the dependencies, secrets in the files
	$(BIN)/python -m tests.tools.audit

bench: $(READY)  ## the benchmarks three times, beside the last figures; fails where a target is missed
	$(BIN)/python -m tests.benchmarks

bench-quick: $(READY)  ## the ratios that a busy machine does not change, in less than a minute
	$(BIN)/python -m tests.benchmarks --quick

bench-figures: $(READY)  ## `bench`, and keep the figures for later runs: before a tag
	$(BIN)/python -m tests.benchmarks --record

storm: $(READY)  ## hundreds of jobs in the real process, with faults and kills; `test` has a short run
	$(BIN)/python -m tests.e2e.storm --jobs 300

fuzz: $(READY)  ## 100,000 damaged pictures through the decoders; `test` has a short run
	$(BIN)/python -m tests.tools.fuzz_pictures

shake: $(READY)  ## every test five times, beside programs that keep the processors and the disk busy
	$(BIN)/python -m tests.tools.shake

messages: $(READY)  ## bring the translations up to date with the code; LANGUAGE=es makes a new one
	$(BIN)/python -m tests.tools.update_translations $(LANGUAGE)

screenshots: $(READY)  ## make the pictures of the documentation anew; needs Chromium
	$(BIN)/python -m tests.tools.screenshots

lock: $(READY)  ## resolve the dependencies anew
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--all-extras --group dev --group sandbox pyproject.toml -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .coverage .import_linter_cache .mypy_cache .ruff_cache .hypothesis

# uv is far faster than pip at the same job; pip is only there to bring uv, at the version the lock names.
$(READY): requirements-dev.lock
	$(PYTHON) -c 'import sys; sys.exit("Kuas needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements-dev.lock)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	touch $@
