# Needs Python 3.11 or newer and make, nothing else.

# 3.11 and 3.12 first: every pinned package has a wheel for them.
PYTHONS := $(PYTHON) python3.12 python3.11 python3 python3.13 python3.14
# The first one that is new enough and can make virtual environments.
FOUND = $(shell for python in $(PYTHONS); do \
  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
  then echo $$python; break; fi; done)
RUN := .venv/bin/python
WORKERS ?= auto
TIMES ?= 20

define install
	@python="$(FOUND)"; if [ -z "$$python" ]; then \
	  echo "TraderAgent needs Python 3.11 or newer with its venv module; found $$(python3 --version 2>/dev/null || echo none)." >&2; \
	  echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make demo PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi; exec $$python deploy/install.py $(1)
endef

.DEFAULT_GOAL := help
.PHONY: help demo setup test properties lint bench bench-peers crash-matrix storm services clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: ## Everything from one command: five bots on a simulated exchange, on http://127.0.0.1:8000 (PORT)
	$(call install,runtime)
	@exec $(RUN) -m traderagent.embedded.supervisor

setup: ## Install what runs, tests and lints into .venv
	$(call install,dev)

test: setup ## All tests, on a PostgreSQL, a Redis and a browser of their own
	$(call install,browser)
	@exec $(RUN) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

properties: setup ## Property tests alone, with new examples and TIMES as many (20)
	@exec env PROPERTY_TIMES=$(TIMES) $(RUN) -m pytest -n $(WORKERS) --dist loadgroup -m property $(ARGS)

lint: setup ## Style, types, walls between packages, migrations, production settings
	@exec $(RUN) deploy/lint.py

bench: setup ## Measure ticks, pages and memory; docs/performance.md explains the figures
	@exec $(RUN) -m tests.bench $(ARGS)

bench-peers: setup ## Other back-testers do the same work on the same candles, each in an environment of its own
	@exec $(RUN) -m tests.bench.peers $(ARGS)

crash-matrix: setup ## Everything that can die, at every stage of an order: a table in docs/reliability.md
	@exec $(RUN) -m tests.reliability.crash --write $(ARGS)

storm: setup ## Twenty bots, one simulated day, a failing exchange, two kills of the worker
	@exec $(RUN) -m tests.reliability.storm $(ARGS)

services: ## PostgreSQL and Redis alone, for manage.py and the processes by hand
	$(call install,runtime)
	@exec $(RUN) -m traderagent.embedded.supervisor --only services

clean: ## Remove the demo's data (.traderagent); refuses while it runs
	@if [ -x $(RUN) ]; then exec $(RUN) -m traderagent.embedded.clean; else rm -rf .traderagent; fi
