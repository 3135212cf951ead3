# The developer's manual: `make` alone lists what can be done.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/trackunit-platform
TOOLS_KEY := $(shell sha256sum requirements/tools.txt | cut -c1-12)
TOOLS := $(CACHE)/venv/tools-$(TOOLS_KEY)
CLIENT = PYTHONPATH=.:apps/client-console/src $(DEV)/bin/python
DEV := $(CACHE)/venv/dev-$(shell sha256sum requirements/dev.txt 2>/dev/null | cut -c1-12)
BIN := .venv/bin
# PLATFORM=name works on another platform of this machine; ARGS="-e name=value" sets anything else.
# Without PLATFORM, the inventory names it: another one (ARGS="-i inventory/existing") has another name.
PLATFORM ?=
ARGS ?=
PLAY := $(BIN)/ansible-playbook $(if $(PLATFORM),--extra-vars platform_name=$(PLATFORM)) $(ARGS)
# Sets KUBECONFIG, KUBECTL and STATE as the inventory has them, or says how to come by a platform.
define locate
place=$$(mktemp -d); trap 'rm -rf "$$place"' EXIT; \
	$(PLAY) playbooks/locate.yml --extra-vars "locate_file=$$place/found" > "$$place/log" 2>&1 || { cat "$$place/log"; exit 1; }; \
	source "$$place/found"
endef

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

.PHONY: dev
dev: ## install what the apps' tests and type checks run with into the cache
	@supply/bootstrap "$(DEV)" requirements/dev.txt

.PHONY: up
up: tools ## bring up the whole platform (again: changes nothing)
	@$(PLAY) site.yml

.PHONY: check
check: tools ## say what `make up` would change
	@$(PLAY) site.yml --check

.PHONY: access
access: tools ## say where the platform is and how to log in, as `make up` ended
	@$(locate); $(PLAY) playbooks/access.yml

# One of the examples shows no name, for which the client ends with 1.
.PHONY: demo
demo: tools dev ## log a test user in, send the pictures in examples/ through the front door, show the answers
	@$(locate); \
	[ -e "$$STATE/client.json" ] || { echo "the platform has no front door yet: make up"; exit 1; }; \
	[ -e "$$STATE/test-users.json" ] || { echo "an external identity provider has no test users: log in yourself, see apps/client-console/README.md"; exit 1; }; \
	$(CLIENT) -m tests.support.device_login --config "$$STATE/client.json" --username alice --users "$$STATE/test-users.json"; \
	$(CLIENT) -m client_console --config "$$STATE/client.json" upload $(wildcard examples/*.jpg examples/*.png examples/*.webp) || [ $$? -eq 1 ]

.PHONY: supply
supply: tools ## make the third-party parts and images without touching a cluster
	@$(BIN)/python -m supply.builder build

.PHONY: new-service
new-service: tools ## NAME=svc-thing: make a working service of our own: its app, its role, its line in the list
	@$(BIN)/python -m scaffold $(or $(NAME),$(error say how it is called: make new-service NAME=svc-thing))
	@# A longer name breaks lines elsewhere, and sorts elsewhere among the imports.
	@$(BIN)/ruff check --quiet --fix apps/$(NAME) && $(BIN)/ruff format --quiet apps/$(NAME)

.PHONY: release
release: tools ## SERVICE=name: build the new version of a service, roll it out, roll back if it fails
	@$(PLAY) playbooks/release.yml -e service=$(or $(SERVICE),$(error say which: make release SERVICE=graph-gateway))

.PHONY: rollback
rollback: tools ## SERVICE=name: go back to the version before
	@$(PLAY) playbooks/rollback.yml -e service=$(or $(SERVICE),$(error say which: make rollback SERVICE=graph-gateway))

.PHONY: rotate
rotate: tools ## ARGS="-e secret=NAME" or ARGS="-e certificate=edge": make a new one, tell those who use it
	@$(PLAY) playbooks/rotate.yml

.PHONY: prune
prune: tools ## remove the parts that changed settings leave out; their volumes stay
	@$(PLAY) playbooks/prune.yml

.PHONY: verify
verify: tools ## look whether the running platform works: every network path, and the tests through the front door
	@$(PLAY) playbooks/verify.yml

.PHONY: test-disturb
test-disturb: tools ## kill, restart, release and flood the running platform, and check that its clients get their answers
	@$(PLAY) playbooks/disturb.yml

.PHONY: flows
flows: tools ## show who may talk to whom in the cluster, and what for
	@$(PLAY) playbooks/flows.yml

.PHONY: status
status: tools ## show what runs
	@$(locate); "$$KUBECTL" get pods --all-namespaces

.PHONY: logs
logs: tools ## SERVICE=name: follow the logs of a service's replicas
	@$(locate); "$$KUBECTL" logs --namespace $(or $(SERVICE),$(error say which: make logs SERVICE=graph-gateway)) --selector app.kubernetes.io/name=$(SERVICE) --follow --prefix --tail 50 --max-log-requests 10

.PHONY: k9s
k9s: tools ## look around in the cluster (builds k9s when first asked, about 5 minutes)
	@$(locate); $(BIN)/python -m supply.builder build k9s; \
	"$$($(BIN)/python -m supply.builder resolve | $(BIN)/python -c 'import json, sys; print(json.load(sys.stdin)["supply_binaries"]["k9s"])')" --all-namespaces

.PHONY: lint
lint: tools dev ## ruff, mypy, ansible-lint, syntax
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@MYPYPATH=$$(echo apps/*/src | tr ' ' :) $(DEV)/bin/mypy
	@PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint --offline -q

.PHONY: format
format: tools ## let ruff put the Python code in order
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

# Each generator writes pages that a unit test holds to their source.
.PHONY: docs
docs: tools dev ## write what follows from descriptions: settings page, inventory comments, READMEs of roles and apps
	@$(BIN)/python -m plugins.plugin_utils.settings_docs
	@$(BIN)/python -m docs.role_pages
	@$(DEV)/bin/python apps/readme_settings.py

CHANGELOG_TOOLS := $(CACHE)/venv/changelog-$(shell sha256sum requirements/changelog.txt | cut -c1-12)

.PHONY: changelog
changelog: tools ## VERSION=0.2.0: turn the fragments in changelogs/ into a release of CHANGELOG.md
	@supply/bootstrap "$(CHANGELOG_TOOLS)" requirements/changelog.txt
	@"$(CHANGELOG_TOOLS)/bin/antsibull-changelog" lint
	@PATH="$(CURDIR)/$(BIN):$$PATH" "$(CHANGELOG_TOOLS)/bin/antsibull-changelog" release --version $(or $(VERSION),$(error say which: make changelog VERSION=0.2.0))

.PHONY: test-unit
test-unit: tools dev ## the tests that need nothing outside the process, in seconds
	@# A file stays with one worker: what its tests share is made once.
	@$(BIN)/python -m pytest tests/unit --numprocesses auto --dist loadfile
	@$(DEV)/bin/python -m pytest apps/*/tests/unit

.PHONY: test-fast
test-fast: lint test-unit ## what to run before a commit

# The tests run the vision adapter as a process of this machine.
TEST_PROGRAMS = {"workstation_more_programs": [{"name": "tesseract", "packages": ["tesseract-ocr"]}]}

.PHONY: test-integration
test-integration: tools dev ## the apps against real RabbitMQ, Kafka, S3 and Keycloak
	@$(PLAY) playbooks/settings.yml playbooks/workstation.yml playbooks/supply.yml --skip-tags preflight --extra-vars '$(TEST_PROGRAMS)'
	@$(DEV)/bin/python -m pytest apps/*/tests/integration tests/contracts

# TRACKUNIT_UPSTREAM_CHARTS=folder takes upstream's charts from there (<name>/ or <name>-<version>.tgz).
.PHONY: test-upstream
test-upstream: tools ## upstream's charts and ours against what the platform relies on, without a cluster
	@$(BIN)/python -m supply.builder build helm
	@$(BIN)/python -m pytest tests/upstream

ROLE_SCENARIOS = certificates credentials settings

.PHONY: test-roles
test-roles: tools ## roles that can run by themselves, each in a scenario of its own, without a cluster
	@PATH="$(CURDIR)/$(BIN):$$PATH" molecule test $(ROLE_SCENARIOS:%=--scenario-name %)

# Molecule ends with its clean-up, far below what failed: that is said once more at the end.
define scenario
	@mkdir -p "$(CACHE)/logs"
	@COLUMNS=200 PATH="$(CURDIR)/$(BIN):$$PATH" molecule test --scenario-name $(1) 2>&1 | tee "$(CACHE)/logs/molecule-$(1).log" \
		|| { sed 's/\x1b\[[0-9;]*m//g' "$(CACHE)/logs/molecule-$(1).log" | { grep -E '^[ │]*E  |::test_|\[ERROR\]' || true; } | tail -40; \
			echo "the whole log: $(CACHE)/logs/molecule-$(1).log"; exit 1; }
endef

.PHONY: test-platform
test-platform: tools dev ## a cluster of its own, the whole platform, every check through the front door
	$(call scenario,default)

.PHONY: test-registry
test-registry: tools dev ## the same with every image and chart pulled from a stand-in for the public registries
	$(call scenario,registry)

.PHONY: test
test: lint test-unit test-roles test-integration test-upstream test-platform test-registry ## everything; what CI calls

# The images run Python 3.13, this machine 3.11 or newer: one lock with markers serves both.
LOCK = $(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --universal --python-version 3.11
# What the apps depend on, without the package of ours that they share.
DEPENDENCIES = $(BIN)/python -c 'import sys, tomllib; print(*(d for f in sys.argv[1:] for d in tomllib.load(open(f, "rb"))["project"]["dependencies"] if not d.startswith("tu-common")), sep="\n")' apps/*/pyproject.toml

.PHONY: lock
lock: tools ## pin again: tools and the apps' dependencies, with hashes
	@$(LOCK) requirements/tools.in -o requirements/tools.txt
	@$(DEPENDENCIES) | $(LOCK) - -o apps/requirements.lock
	@cat requirements/dev.in apps/requirements.lock | $(LOCK) - -o requirements/dev.txt
	@$(LOCK) requirements/changelog.in -o requirements/changelog.txt

.PHONY: down
down: tools ## remove the platform; the cache stays
	@$(PLAY) playbooks/destroy.yml

.PHONY: clean
clean: tools ## remove the platform, the images made here, the engine's build cache, and our cache
	@$(PLAY) playbooks/destroy.yml --extra-vars destroy_images=true
	@chmod -R u+w "$(CACHE)" && rm -rf "$(CACHE)" .venv
