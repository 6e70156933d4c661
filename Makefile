# The tasks of this repository. `make` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Packages whose tests start a daemon run beside each other; more than two at a
# time only wait for the same processors.
TEST_FLAGS ?= -p 2 -timeout 30m

.PHONY: help setup check test fuzz bench side-by-side lab bed bed-down frontend-image update clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install runc and crun, build the test bed's tools into the cache
	@internal/testenv/setup.sh
	go run ./internal/testenv/bedctl setup

check: ## formatting, vet, linters, module files and generated files
	@internal/tools/check.sh

test: ## run every test, those with a daemon included
	go test $(TEST_FLAGS) ./...

fuzz: ## run every fuzz target for FUZZTIME (20s)
	@internal/tools/fuzz.sh

bench: ## time builds against Dockerfiles and ko in one run; writes docs/benchmarks.md; BENCH="-quick -runs 1"
	go run ./internal/bench $(BENCH)

side-by-side: ## run other tools on the corpus and write docs/verify-side-by-side.md
	go run ./internal/sidebyside

lab: ## show the claims about Go and cgroup v2 on a kernel in qemu and write docs/lab.md
	go run ./internal/lab

bed: ## start the test bed and print its variables: eval "$$(make bed)"
	@go run ./internal/testenv/bedctl start

bed-down: ## end the test bed
	@go run ./internal/testenv/bedctl stop

frontend-image: ## build the frontend image into plimsoll-frontend.oci, without a daemon
	go run ./cmd/plimsoll build --platform linux/amd64,linux/arm64 -o type=oci,tar=false,dest=plimsoll-frontend.oci .

update: ## rewrite generated files and golden files
	go generate ./...
	go test $$(grep -rlE 'flag\.Bool\("update"' --include='*_test.go' cmd frontend internal llbgen | xargs -n1 dirname | sort -u | sed 's,^,./,') -update

clean: ## end the bed and remove what builds wrote here
	@go run ./internal/testenv/bedctl stop
	rm -rf bin *.oci
