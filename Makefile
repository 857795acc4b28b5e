# Each target calls a script of tools/, which can be called without make as well.
.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help demo demo-down test test-matrix bench setup kubernetes lint docs sanity galaxy unit integration molecule role-docs release clean

help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { \
		stages = $$1 ~ / / ? ": " $$1 : ""; \
		printf "make %-12s %s%s\n", stages ? "STAGE" : $$1, $$2, stages }' $(MAKEFILE_LIST)

demo: ## A cluster of containers on this machine, from its certificates to Ready nodes
	@tools/demo

demo-down: ## Remove all that `make demo` has started
	@tools/demo down

test: ## Every check, with a table of them at the end
	@tools/test

bench: ## Times of whole runs beside those of others, as a table
	@tools/bench

test-matrix: ## What is too long for it: other versions of Kubernetes, ansible-core and Python, more scenarios
	@tools/test-matrix

setup: ## Install what the tests need
	@tools/setup test

kubernetes lint docs sanity galaxy unit integration molecule: ## One stage of `make test`, and what it needs
	@tools/test $@

role-docs: ## Write the tables of variables into the roles' READMEs
	@tools/role-docs

release: ## Build the tarball; checks that tag, version and changelog agree
	@tools/release

clean: ## Remove what tests left: hosts, folders, logs (downloads and built binaries stay)
	@tools/clean
