# Outrider. `make up` and `make test` are all that one needs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Where images go, and where the manifest says they are.
REGISTRY ?= localhost:5000/outrider
# An existing cluster, by its context in your kubeconfig. Empty: a local one of our own.
CONTEXT ?=
# An operator for one namespace instead of all.
NAMESPACE ?= -

export REGISTRY CONTEXT

MVN = JAVA_HOME=$$(e2e/java-home) MAVEN_OPTS="$$MAVEN_OPTS --sun-misc-unsafe-memory-access=allow" mvn

.PHONY: help up down test bench soak build images push manifest format clean prerequisites

help: ## What there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

up: ## A local Kubernetes with Outrider and an example (CONTEXT=… REGISTRY=…: in a cluster of yours)
	@e2e/up

down: ## Ends the local Kubernetes and all that is in it
	@e2e/cluster/down

test: prerequisites ## Everything: unit tests, images, a local Kubernetes, journeys
	@e2e/test

bench: prerequisites ## The figures of docs/benchmarks.md, measured here
	@e2e/bench
	@e2e/bench-proxy --installed

soak: prerequisites ## The long runs: faults and endurance
	@e2e/soak

build: ## Jars, unit tests, checks and the manifest
	@$(MVN) -q verify -DskipITs

images: ## The images (make images push REGISTRY=…)
	@e2e/prerequisites build images
	@$(MVN) -q package -DskipTests -pl '!e2e'
	@images/build all --registry $(REGISTRY)

push: ## Pushes the images to REGISTRY and writes the manifest that names them
	@images/build all --registry $(REGISTRY) --push
	@e2e/manifest

manifest: ## deploy/outrider.yaml, from the Java types (NAMESPACE=…: an operator for that one alone, in deploy/target)
	@$(MVN) -q -pl operator -am package -DskipTests -Doutrider.namespace=$(NAMESPACE) -Doutrider.manifest=$(if $(filter -,$(NAMESPACE)),outrider,outrider-$(NAMESPACE)).yaml
	@[ "$(NAMESPACE)" != - ] || cp operator/target/outrider.yaml deploy/outrider.yaml
	@[ "$(NAMESPACE)" = - ] || e2e/manifest operator/target/outrider-$(NAMESPACE).yaml outrider-$(NAMESPACE).yaml

format: ## Formats the sources
	@$(MVN) -q spotless:apply

clean: ## Takes away what was built
	@$(MVN) -q clean
	@rm -rf images/target deploy/target

prerequisites:
	@e2e/prerequisites all
