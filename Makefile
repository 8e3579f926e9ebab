# The entry points for people. Everything is done by scripts/, which can be called without make.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run env console observe service service-remove down clean images images-push pages image compose-up compose-env compose-down compose-clean fmt lint lint-format lint-rust lint-scripts lint-console test test-kubernetes soak bench
MAKEFLAGS += --no-print-directory

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Bring brokerd up and wait until it is ready
	@scripts/run.sh

env: ## Print what AWS tools need: eval "$(make -s env)"
	@scripts/run.sh env

console: ## Print a link to the web console that signs in once, within a minute
	@scripts/run.sh console

observe: ## Start Prometheus with rules and targets beside that, and Grafana where its image can be had
	@scripts/observe.sh

service: ## Bring brokerd up and have systemd start it with the machine
	@scripts/run.sh service

service-remove: ## Stop and remove that service, keep everything else
	@scripts/run.sh service-remove

down: ## Stop everything of this installation, keep its data
	@scripts/run.sh down

clean: ## Remove everything of this installation, data included
	@scripts/run.sh clean

images: ## Build the container images that are missing or stale
	@docker/engine.sh
	@docker/build.sh

images-push: ## Push the images to a registry: REGISTRY=registry.example.com/mq
	@docker/push.sh "$(REGISTRY)"

pages: ## Build the web console that the binary embeds, if it has changed
	@scripts/console.sh

image: ## Build brokerd's own container image
	@scripts/compose.sh image

compose-up: ## Bring brokerd up in containers, apart from that of make run
	@scripts/compose.sh

compose-env: ## Print what AWS tools need for that: eval "$(make -s compose-env)"
	@scripts/compose.sh env

compose-down: ## Stop it and its brokers, keep their data
	@scripts/compose.sh down

compose-clean: ## Remove it and its brokers, data included
	@scripts/compose.sh clean

fmt: ## Format the code
	@cargo fmt --all

lint: lint-format lint-rust lint-scripts lint-console ## Check format and lints

lint-format:
	@cargo fmt --all -- --check

lint-rust:
	@cargo clippy --locked --workspace --all-targets -- -D warnings

lint-scripts:
	@if command -v shellcheck >/dev/null; then git ls-files -z --cached --others --exclude-standard '*.sh' .ci/run docker/activemq/activemq | xargs -0 shellcheck -x -P SCRIPTDIR; else echo "lint: shellcheck is not installed, scripts are not checked"; fi

lint-console:
	@scripts/console.sh lint

test: ## Run all tests, with a database of their own
	@scripts/test.sh

test-kubernetes: ## Run all tests on Kubernetes, on a cluster that is made for them
	@docker/build.sh
	@scripts/kubernetes.sh test

soak: ## Fail a pair over and lose nodes of a cluster, many times, while clients count their messages (ROUNDS=20)
	@BROKERD_SOAK_ROUNDS=$(ROUNDS) scripts/test.sh --test scenarios -- --ignored --nocapture activemq_pair:: rabbitmq_cluster::

bench: ## Measure what brokerd costs, beside the same work without it (ROUNDS=5)
	@scripts/bench.sh $(ROUNDS)
