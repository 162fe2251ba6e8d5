# Everything a person does with this checkout. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := bash
stack := .local/envs/localcloud/bin/python -m stack

.PHONY: help run up stop clean test lint lock

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

run: install ## the whole job: install, start, let a day pass in production, load it, show the table
	@$(stack) run

up: install ## start the local cloud and Airflow, and wait until they are ready
	@$(stack) up

stop: ## stop every process of this checkout; data stays
	@if [ -x .local/envs/localcloud/bin/python ]; then $(stack) down; fi

clean: ## stop, and remove all data of this checkout; installed environments stay
	@if [ -x .local/envs/localcloud/bin/python ]; then $(stack) clean; fi

.PHONY: install
install: ## install what is missing, and nothing else
	@stack/bootstrap airflow dbt localcloud

lock: ## write the lock files from requirements/*.in
	@stack/lock
