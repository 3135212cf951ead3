# The developer's manual: `make` alone lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trackunit-platform
TOOLS_KEY := $(shell sha256sum requirements/tools.txt | cut -c1-12)
TOOLS := $(CACHE)/venv/tools-$(TOOLS_KEY)
BIN := .venv/bin
PLAY := $(BIN)/ansible-playbook

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z][a-zA-Z0-9_-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: tools
tools: .venv/.tools-$(TOOLS_KEY) ## install the pinned tools (Ansible, linters, pytest) into the cache

# The virtual environment lives in the cache and is named after its lock: a new clone reuses it.
.venv/.tools-$(TOOLS_KEY): requirements/tools.txt
	@supply/bootstrap "$(TOOLS)" requirements/tools.txt
	@[ ! -e .venv ] || [ -L .venv ] || { echo ".venv is a folder of yours, not our link: move it away, then repeat"; exit 1; }
	@ln -sfn "$(TOOLS)" .venv
	@touch $@
