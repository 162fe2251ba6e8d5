# Everything a person does with this checkout. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := bash
envs := .local/envs
stack := $(envs)/localcloud/bin/python -m stack
dev := $(envs)/dev/bin
scan := $(envs)/scan/bin

.PHONY: help run up stop clean lint test test-airflow test-localcloud test-compose test-fast faults gameday bench docs image deploy \
	lock install install-dev

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

run: install ## the whole job: install, start, let a day pass in production, load it, show the table
	@$(stack) run

up: install ## start the local cloud and Airflow, and wait until they are ready
	@$(stack) up

stop: ## stop every process of this checkout; data stays
	@if [ -x $(envs)/localcloud/bin/python ]; then $(stack) down; fi

clean: ## stop, and remove all data of this checkout; installed environments stay
	@if [ -x $(envs)/localcloud/bin/python ]; then $(stack) clean; fi

install: ## install what is missing, and nothing else
	@stack/bootstrap airflow dbt localcloud

install-dev: ## the same, with the tools of lint and test
	@stack/bootstrap airflow dbt localcloud dev scan

lint: install-dev ## check form, types and what is deployed; changes nothing
	$(dev)/ruff check .
	$(dev)/ruff format --check .
	$(dev)/mypy
	$(dev)/yamllint --strict .
	$(dev)/sqlfluff lint --disable-progress-bar include/dbt
	$(dev)/sqlfluff lint --disable-progress-bar --templater placeholder include/sql
	PYTHONPATH=plugins $(dev)/python -m tributary.cli check
	PYTHONPATH=. $(dev)/python -m benchmarks.scaling_arithmetic --check docs/scaling.md
	$(scan)/zizmor --quiet --offline --persona pedantic --collect all --strict-collection .github
	$(scan)/hadolint Dockerfile
	$(scan)/checkov --config-file .checkov.yaml
	$(scan)/python -m stack.history_scan

# Empty means: do write bytecode, also where the shell says otherwise. Tests start hundreds of Python processes.
export PYTHONDONTWRITEBYTECODE :=
export TRIBUTARY_DBT_EXECUTABLE := $(CURDIR)/$(envs)/dbt/bin/dbt
export TRIBUTARY_BQEMULATOR := $(CURDIR)/$(envs)/localcloud/bin/bqemulator
pytest := -m pytest -p no:cacheprovider
# The local cloud and the simulator are tested in their own environment, everything else in Airflow's.
cloud_tests := tests/unit/localcloud tests/unit/simulator tests/integration/localcloud tests/integration/simulator
# Each is a day of a whole stack: too long for every change.
fault_tests := tests/faults/running

# Several at a time: most tests wait for services, which start once for a folder. The longest come first.
several := -n 3 --dist loadfile --no-loadscope-reorder -p tests.support.workers

# Two at a time; what the shorter one says comes as a whole, at its end. The end-to-end test has the machine to itself.
test: install-dev ## every test, the end-to-end one too
	@$(MAKE) --no-print-directory --jobs 2 test-localcloud test-airflow
	$(dev)/python $(pytest) tests/e2e

test-localcloud: log := .local/test-localcloud.log
test-localcloud:
	@status=0; $(envs)/localcloud/bin/python $(pytest) $(cloud_tests) >$(log) 2>&1 || status=$$?; cat $(log); exit $$status

test-airflow:
	$(dev)/python $(pytest) $(several) tests $(addprefix --ignore=,$(cloud_tests) $(fault_tests) tests/e2e tests/compose)

# One table of three runs, and the running stack last: it has the machine to itself, as its limits of time ask.
faults: export TRIBUTARY_FAULTS := all
faults: export TRIBUTARY_FAULTS_HISTORIES ?= 200
faults: export TRIBUTARY_FAULTS_ROWS := $(CURDIR)/.local/faults/rows.json
faults: cases := $(dev)/python $(pytest) -m case
faults: histories := tests/faults/test_histories.py
faults: install-dev ## every case of docs/reliability.md, most on a running stack: hours, and a table
	@mkdir -p $(dir $(TRIBUTARY_FAULTS_ROWS)) && rm -f $(TRIBUTARY_FAULTS_ROWS)
	@failed=0; set -x; \
	$(cases) $(several) tests $(addprefix --ignore=,$(cloud_tests) $(fault_tests) $(histories) tests/compose) || failed=1; \
	$(cases) -n 2 --dist worksteal $(histories) || failed=1; \
	$(cases) $(fault_tests) || failed=1; \
	exit $$failed

bench: install-dev ## every benchmark, and docs/performance.md from them: some hours
	@stack/bootstrap bench
	@stack/dbt-artifacts $(envs)/dbt/bin/dbt --without-page
	for name in parsing many tasks consolidation dbt_stage day moving; do \
	  PYTHONPATH=plugins:. $(dev)/python -m benchmarks.$$name || exit 1; \
	done
	PYTHONPATH=. $(envs)/bench/bin/python -m benchmarks.performance

docs: ## the data dictionary: every table and column, as pages that need no server (docs/data-dictionary.md)
	@stack/bootstrap airflow dbt
	@stack/dbt-artifacts $(envs)/dbt/bin/dbt
	@./tributary docs --to .local/site

gameday: install-dev ## five incidents on a running stack, and what people are told: about fifteen minutes
	PYTHONPATH=plugins:. $(dev)/python -m tests.gameday

test-fast: install-dev ## the tests that start no service
	$(envs)/localcloud/bin/python $(pytest) tests/unit/localcloud tests/unit/simulator
	$(dev)/python $(pytest) tests/unit tests/dags $(addprefix --ignore=,$(cloud_tests))

# What the engine says of a fresh deployment first; what replaces the containers last.
test-compose: install-dev ## build the image, run it with two workers, hurt and upgrade it: needs root, an hour or two
	@stack/bootstrap compose
	$(dev)/python $(pytest) -s $(addprefix tests/compose/test_,main_job.py locked_down.py killed_workers.py changes.py)

# Asked only where it is used.
version = $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

image: ## build the image as it is run in a deployment, tagged with the commit
	DOCKER_BUILDKIT=1 docker build --tag $${TRIBUTARY_IMAGE:-tributary}:$(version) \
	  --build-arg VERSION=$(version) --build-arg REVISION=$$(git rev-parse HEAD) \
	  --build-arg CREATED=$$(git log -1 --format=%cI) .

deploy: image ## run this commit's image in place of the one that runs: drain, migrate, start (docs/compose.md)
	deploy/upgrade $(version)

lock: ## write the lock files from requirements/*.in; upgrade=1 takes the newest versions that these allow
	@stack/bootstrap
	@stack/lock $(if $(upgrade),--upgrade)
