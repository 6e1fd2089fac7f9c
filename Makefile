# One door to everything: `make help` lists the ways in. Each target sets up what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNS := $(VENV)/.runs
EXTRAS := alerts bucket fleet mysql poslog postgresql sftp workbooks
FOUND := $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.14,$(shell command -v $(name) >/dev/null 2>&1 && $(name) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
PYTEST := $(BIN)/python -m pytest
# The tests start hundreds of processes; without its byte code kept, each would compile syncd again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help release pictures demo test test-all coverage chaos fleet-chaos fleet-bench bench lint types contract build sbom docs deploy-check lock clean

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: $(if $(wildcard $(READY)),$(READY),$(RUNS)) ## two shops' sales become orders in a local store, before your eyes
	$(BIN)/syncd demo

test: $(READY) ## the tests of every step, within four minutes; none depends on how fast the machine is
	$(PYTEST) -n 3 --dist worksteal -m "not chaos and not rate and not thorough"

test-all: $(READY) ## the rest of the tests: a browser, killed processes, tills' own databases, real time
	$(PYTEST) -n 3 --dist worksteal -m "thorough and not chaos and not rate"

coverage: $(READY) ## how much of each room the tests of `make test` and `make test-all` run, with a floor for each: half an hour
	mkdir -p build
	$(PYTEST) -n 3 --dist worksteal -m "not chaos and not rate" --cov --cov-report=json:build/coverage.json
	$(BIN)/python -m tests.coverage_floors build/coverage.json

chaos: $(READY) ## kills at every line, storms, watches: each part within ten minutes; SYNCD_SEED=... replays a storm
	SYNCD_KILLS=40 $(PYTEST) -s -m chaos
	SYNCD_MODEL_EXAMPLES=300 $(PYTEST) -s tests/model
	SYNCD_MANY=20000 $(PYTEST) tests/sources/test_contract.py
	$(BIN)/python -m tests.chaos.life --seed 1 --seeds 5
	$(BIN)/python -m tests.chaos.life --seed 1 --seeds 3 --database postgresql
	$(BIN)/python -m tests.chaos.walk_kills
	$(BIN)/python -m tests.chaos.till_kills --kind opensourcepos
	$(BIN)/python -m tests.chaos.till_kills --kind poslog
	$(BIN)/python -m tests.chaos.day
	$(BIN)/python -m tests.chaos.day --database postgresql
	$(BIN)/python -m tests.chaos.linekill --step 3
	$(BIN)/python -m tests.chaos.storm --kills 150 --sales 3000
	$(BIN)/python -m tests.chaos.storm --kills 150 --sales 3000 --database postgresql
	$(BIN)/python -m tests.chaos.standby --minutes 5
	$(BIN)/python -m tests.chaos.standby --minutes 5 --database postgresql

fleet-chaos: $(READY) ## a fleet: workers killed, the queue tampered with, the database cut off; each part within ten minutes
	$(PYTEST) -n 2 tests/fleet -m "not rate"
	$(BIN)/python -m tests.fleet.storm --seed 1 --seconds 180
	$(BIN)/python -m tests.fleet.storm --seed 2 --seconds 180
	$(BIN)/python -m tests.fleet.storm --seed 3 --seconds 180

fleet-bench: $(READY) ## every figure, beside those in the repository: fails where one is worse, beyond its noise; 20 minutes
	$(BIN)/python -m tests.bench.all
	$(PYTEST) -s -m rate

lint: $(READY) ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY) ## mypy --strict
	$(BIN)/mypy

contract: $(READY) ## who may import whom
	$(BIN)/lint-imports

build: $(READY) ## the wheel, as it would be published
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

release: $(READY) ## what is published: wheel, source, SBOM and their checksums, in dist/
	rm -rf dist
	$(BIN)/python -m build --wheel --sdist --no-isolation --outdir dist .
	$(MAKE) -s sbom
	cd dist && sha256sum *.whl *.tar.gz *.json > SHA256SUMS && sha256sum --check --quiet SHA256SUMS
	@ls -l dist

pictures: $(READY) ## the pictures of the page that the README shows, made by its tests
	mkdir -p docs/images
	SYNCD_PICTURES=$(CURDIR)/docs/images $(PYTEST) -m "" tests/browser/test_look.py -k picture

docs: $(READY) ## the documentation site into build/site; fails on a link that leads nowhere
	$(BIN)/python docs/generate.py
	$(BIN)/zensical build --strict

SHIPS := $(shell grep -oE '^[A-Za-z0-9._-]+==' deploy/requirements.txt | sed 's/==//')
MAY := MIT;BSD;Apache;ISC;MPL;Mozilla Public License;PSF;LGPL;Python Software Foundation;Unlicense

sbom: $(READY) ## what syncd is made of: CycloneDX, and the licence of each part; fails on one that we may not ship with
	mkdir -p dist
	$(BIN)/python -W ignore -m cyclonedx_py requirements deploy/requirements.txt --pyproject pyproject.toml --output-reproducible \
		--of JSON -o dist/syncd.cdx.json
	$(BIN)/pip-licenses --from=mixed --packages $(SHIPS) --partial-match --allow-only="$(MAY)" --format=markdown --with-urls \
		--output-file=dist/LICENCES.md

deploy-check: $(READY) ## the Dockerfile, what a fleet is deployed with and, where systemd is installed, the unit
	$(BIN)/hadolint Dockerfile
	deploy/check-fleet.sh $(BIN)
	deploy/check-unit.sh

lock: $(READY) ## resolve the locked requirements anew
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		$(addprefix --extra ,$(EXTRAS)) --extra dev --output-file .ci/requirements-dev.txt pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		$(addprefix --extra ,$(EXTRAS)) --constraint .ci/requirements-dev.txt --output-file deploy/requirements.txt pyproject.toml
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--constraint .ci/requirements-dev.txt --output-file deploy/requirements-plain.txt pyproject.toml

clean: ## remove what the other targets made
	rm -rf $(VENV) build dist *.egg-info demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What a demo needs, and no more.
$(RUNS): pyproject.toml deploy/requirements-plain.txt
	@if [ -z "$(FOUND)" ]; then echo "syncd needs Python 3.11 or newer with venv (on Debian: apt install python3-venv)" >&2; exit 1; fi
	$(FOUND) -m venv $(VENV)
	$(PIP) --require-hashes -r deploy/requirements-plain.txt
	$(PIP) --no-deps --editable .
	touch $@

$(READY): pyproject.toml .ci/requirements-dev.txt
	@if [ -z "$(FOUND)" ]; then echo "syncd needs Python 3.11 or newer with venv (on Debian: apt install python3-venv)" >&2; exit 1; fi
	$(FOUND) -m venv $(VENV)
	$(PIP) --require-hashes -r .ci/requirements-dev.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@$(PIP) --no-deps --upgrade --target $(VENV)/official-client \
		"bigcommerce>=0.23" "PyJWT>=2.8" 2>/dev/null \
		|| echo "BigCommerce's own client cannot be installed here: its test is skipped"
	touch $@
