# Everything that people and CI run. `make` alone shows the list.

PYTHON ?= python3
BIN := .venv/bin
CRM = $(BIN)/crm --mode $(MODE)
PYTEST := $(BIN)/pytest -p chassis.testing
# Private PostgreSQL and RabbitMQ for the run.
SERVERS := -p crm.testing
# One test process more than a small machine has cores, since those of whole systems wait for half of their time; the
# tests of one group stay in one process.
PARALLEL ?= -n 3 --dist loadgroup
TESTS ?=
REDOCLY := @redocly/cli@2.77.0
# How `up` starts a stack: as containers, as programs of this machine, or (auto) as containers where Docker answers.
MODE ?= auto
SERVICES := $(patsubst services/%/pyproject.toml,%,$(wildcard services/*/pyproject.toml))

.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory
# Whoever sets it pays for compiling every module again in each of the many processes that tests start.
unexport PYTHONDONTWRITEBYTECODE

##@ Run
.PHONY: setup up down destroy status logs scale roll upgrade token creds seed import keys rotate-keys
# A stack of containers needs no servers on this machine, all else does; none of these needs what tests and checks do.
up down destroy status logs scale roll upgrade token creds seed import keys rotate-keys: SETUP := --run --mode $(MODE)
setup: ## Install what is missing and make the virtual environment
	@$(PYTHON) deploy/bootstrap.py $(SETUP)

up: setup ## Start everything, from nothing (CRM_PORT=8080, MODE=auto|compose|native)
	@$(CRM) up

down: setup ## Stop everything and keep the data
	@$(CRM) down

destroy: setup ## Stop everything and delete ALL data (YES=1 does not ask)
	@$(CRM) destroy

status: setup ## Show every process and whether it is ready
	@$(CRM) status

logs: setup ## Show a program's log: S=customers, F=1 to follow
	@$(CRM) logs $(S) $(if $(F),--follow)

scale: setup ## Change the number of processes: S=customers N=3, S=customers-worker N=2
	@$(if $(and $(S),$(N)),,echo "usage: make scale S=customers N=3" >&2; exit 2;) $(CRM) scale $(S) $(N)

roll: setup ## Replace containers one after the other without a gap: S=customers-web (compose mode)
	@$(if $(S),,echo "usage: make roll S=customers-web" >&2; exit 2;) $(CRM) roll $(S)

upgrade: setup ## Take a running stack to this checkout's code without a gap, after a backup (CONTRACT=1)
	@$(CRM) upgrade $(if $(CONTRACT),--contract)

token: setup ## Print an access token of the demo admin, and nothing else
	@$(CRM) token

creds: setup ## Show the demo sign-ins
	@$(CRM) creds

seed: setup ## Create the demo data that is not there
	@$(CRM) seed

import: setup ## Import customers, contacts, leads or deals from a CSV file: FILE=leads.csv (ARGS="--record-type lead --mode upsert")
	@$(if $(FILE)$(findstring --revert,$(ARGS)),,echo 'usage: make import FILE=customers.csv [ARGS="--dry-run"]' >&2; exit 2;) \
		$(CRM) import $(if $(FILE),"$(FILE)") $(ARGS)

keys: setup ## Show the keys that sign tokens
	@$(CRM) keys list

rotate-keys: setup ## Let the next key sign (COMPROMISED=1 ends the tokens of the one before at once)
	@$(CRM) keys rotate $(if $(COMPROMISED),--compromised)

##@ Test
.PHONY: test test-unit test-integration test-e2e test-properties test-faults test-neighbours test-compose mutants test-browser
test: setup ## Run all tests on private servers (TESTS="-k outbox" narrows them)
	@$(PYTEST) $(SERVERS) $(PARALLEL) -m "not long" $(TESTS)

test-unit: setup ## Run the tests that need no server
	@$(PYTEST) -m "not long" $(wildcard libs/*/tests/unit services/*/tests/unit gateway/tests/unit) $(TESTS)

test-integration: setup ## Run the tests of each part on real servers
	@$(PYTEST) $(SERVERS) $(PARALLEL) -m "not long" libs services gateway web deploy tests/architecture $(TESTS)

test-e2e: setup ## Run the tests of the whole system
	@$(PYTEST) $(SERVERS) $(PARALLEL) -m "not long" tests/e2e $(TESTS)

test-properties: setup ## Try the properties on a thousand examples of each, others on every run
	@$(PYTEST) $(SERVERS) $(PARALLEL) -m "hypothesis and not long" --hypothesis-profile=explore $(TESTS)

test-faults: SETUP := --faults
test-faults: setup ## Run the fault tests and the generated requests in their long form
	@$(PYTEST) $(SERVERS) -m long tests/faults tests/e2e gateway services web \
		$(filter-out %/test_containers.py,$(wildcard deploy/tests/test_*.py)) $(TESTS)

test-neighbours: setup ## Attack every operation as one tenant while another works (half an hour)
	@$(PYTEST) $(SERVERS) -s -m long tests/neighbours $(TESTS)

test-compose: ## Build the images and run a stack of containers for real (Docker, or root to start one)
	@$(PYTHON) deploy/bootstrap.py --compose-test
	@$(PYTEST) -s -m long deploy/tests/test_containers.py $(TESTS)

mutants: setup ## Put in known faults one at a time: each must make a test fail (ONLY=outbox)
	@$(BIN)/python tests/mutants.py $(ONLY)

test-browser: setup ## Open the pages in Chromium (downloads Playwright)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/browser.txt
	@$(PYTEST) $(SERVERS) web/browser/pages_in_chromium.py $(TESTS)

##@ Check
.PHONY: lint format types imports check-contracts check-manifests
lint: setup imports types check-contracts check-manifests ## Run every check that needs no server
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: setup ## Format the code and repair what can be repaired
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: setup ## Check the types
	@$(BIN)/mypy $(addprefix -p ,chassis imports people sample $(SERVICES) gateway web crm bench)

imports: setup ## Check who may import whom
	@$(BIN)/lint-imports

check-contracts: setup ## Check that contracts/ is what services publish
	@$(BIN)/python -m chassis.contracts check
	@$(BIN)/python -m web check

check-manifests: setup ## Render deploy/kubernetes, and hold it to Kubernetes' schemas (CRD_SCHEMAS=folder for operators' kinds)
	@$(BIN)/python -m crm.kubernetes.check

##@ Measure
.PHONY: bench bench-size bench-imports
bench: ## Load a stack of its own and compare it with the floor
	@$(PYTHON) deploy/bootstrap.py --bench
	@$(BIN)/python -m bench

bench-size: setup ## Compare a million customers, and deals, with a thousand
	@$(BIN)/python -m bench.size

bench-imports: setup ## Import files of up to 400,000 rows
	@$(BIN)/python -m bench.imports

##@ Maintain
.PHONY: lock sdk openapi openapi-document openapi-lint release-surface web-assets contracts contract-examples contract-bundles compose-file manifests roles-page help
lock: setup ## Pin the requirements anew (needs the package index)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@# What runs is what is tested: all others take dev.txt's versions.
	@for name in dev operator runtime browser compose; do \
		if [ $$name = dev ]; then like=; else like="--constraints requirements/dev.txt"; fi; \
		$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --universal --python-version 3.11 --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links $$like requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

openapi-document: setup ## Write the API's one document: FILE=openapi.json
	@$(BIN)/python -m web document $(or $(FILE),.local/openapi.json)

openapi-lint: setup ## Hold that document to Redocly's rules (needs Node and npm's registry)
	@mkdir -p .local && $(BIN)/python -m web document .local/openapi.json
	@npx --yes $(REDOCLY) lint .local/openapi.json

sdk: setup ## Build the Python client: clients/python/dist/crm_client-*.whl
	@$(BIN)/python clients/python/generate.py clients/python/crm_client
	@cd clients/python && ../../$(BIN)/python -m hatchling build -t wheel

release-surface: setup ## Keep what clients depend on from now (BREAKING=1 although it breaks those of the last release)
	@$(BIN)/python -m web release $(if $(BREAKING),--breaking)

web-assets: setup ## Fetch the scripts of the documentation pages anew (needs npm's registry)
	@$(BIN)/python -m web.vendor fetch

openapi: setup ## Print a service's OpenAPI document: S=customers
	@$(if $(S),,echo "usage: make openapi S=customers" >&2; exit 2;) $(CRM) openapi $(S)

contracts: setup ## Write in contracts/ what can be derived from the services, and docs/errors.md
	@$(BIN)/python -m chassis.contracts write
	@$(BIN)/python -m web errors

contract-examples: setup ## Write the examples of events anew, from a run of the tests that make every event
	@$(PYTEST) $(SERVERS) -q --write-examples $(wildcard services/*/tests/integration/test_every_event.py)
	@$(BIN)/python -m chassis.contracts write

contract-bundles: setup ## Write each event's schema as one file: DIR=.local/contracts
	@$(BIN)/python -m chassis.contracts bundle $(or $(DIR),.local/contracts)

compose-file: setup ## Write docker-compose.yml anew, with every service and process
	@$(BIN)/python -m crm.compose.file

manifests: setup ## Write what of deploy/kubernetes is made, with every service
	@$(BIN)/python -m crm.kubernetes.overlays

roles-page: setup ## Write docs/roles.md anew
	@$(BIN)/python docs/roles_page.py

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
