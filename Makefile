# Every target installs first what it needs, into .venv, from requirements.lock.
# On Debian: apt-get install git make python3.11 python3.11-venv

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export DAGSTER_HOME ?= $(CURDIR)/.dagster

# What the examples' flights are made to, and where they are refreshed.
FLIGHTS := examples/flights/data/flights.parquet
FLIGHTS_DATES ?= 2013-07-01 2013-09-02 2013-11-04
CDNOW_DATES ?= 1997-10-06 1998-01-05 1998-04-06
EXAMPLE := $(BIN)/model-refresh refresh --fleet examples

.PHONY: help install demo month example-flights example-cdnow quality test check format lint types floors smoke dev soak lock clean

help:  ## say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(STAMP)  ## make .venv from requirements.lock

$(STAMP): requirements.lock pyproject.toml scripts/install.sh
	@scripts/install.sh $(VENV)

demo: $(STAMP)  ## refresh a model on real data, six Mondays, then two damaged feeds
	@$(BIN)/python demo/run.py

month: $(STAMP)  ## live a month of twenty models by a moved clock, with a crash, drift and a bad champion
	@$(BIN)/python demo/month/run.py

$(FLIGHTS): $(STAMP) examples/flights/fetch.py
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[flights]'
	@$(BIN)/python examples/flights/fetch.py

example-flights: $(FLIGHTS)  ## refresh both flights models at three dates: how late will a flight be?
	@for date in $(FLIGHTS_DATES); do for name in flights_late flights_delay; do \
		$(EXAMPLE) $$name --as-of $$date; done; done

example-cdnow: $(STAMP)  ## refresh the spend model at three dates: what will a customer spend?
	@for date in $(CDNOW_DATES); do $(EXAMPLE) cdnow_spend --as-of $$date; done

quality: $(FLIGHTS)  ## measure candidates beside other AutoML, each in an environment of its own; hours
	@$(BIN)/python benchmarks/quality.py

test: $(STAMP)  ## run the tests
	@$(BIN)/pytest -n 2 --dist loadgroup

check: format lint types floors test  ## everything that must hold: format, lint, types, floors, tests

format: $(STAMP)
	@$(BIN)/ruff format --check .

lint: $(STAMP)
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

floors: $(STAMP)
	@$(BIN)/lint-imports | tail -n 8

smoke: $(STAMP)  ## load the definitions and run one refresh by the dagster CLI, in a scratch folder
	@scripts/smoke.sh $(BIN)

dev: $(STAMP)  ## open Dagster's UI at http://127.0.0.1:3000
	@scripts/instance.sh "$$DAGSTER_HOME"
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/dagster dev -h 127.0.0.1

soak: $(STAMP)  ## run what takes longer than the tests may
	@$(BIN)/pytest -m soak -s

lock: $(STAMP)  ## write requirements.lock anew from pyproject.toml
	@scripts/lock.sh $(BIN)

clean:  ## remove .venv and what the demo made
	@rm -rf $(VENV) .model_refresh .dagster .demo .month
