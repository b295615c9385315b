# glean's tasks. `make help` lists them by group (##@); CI uses the same ones.

GO      ?= go
SEED    ?= 1
SEEDS   ?= 20000
FUZZ_S  ?= 5
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
COMMIT_TIME := $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
LDFLAGS := -X main.commit=$(COMMIT) -X main.commitTime=$(COMMIT_TIME)

# What the tests on real devices use; nothing of it is needed to build or run.
DEB_PACKAGES := curl iproute2 iputils-ping tcpdump tshark arping ndisc6 arp-scan nmap ethtool keepalived netsniff-ng tcpreplay

# The linter is pinned, built once by the Go in use, and kept in the user's cache: it
# is not a dependency of the module.
LINT_VERSION := v2.15.0
LINT = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/glean/golangci-lint-$(LINT_VERSION)-$(shell $(GO) env GOVERSION)/golangci-lint

.PHONY: help deps linter build demo test unit race fuzz conformance bench-resolve sim mutants bench bench-tx lint tidy docs clean

##@ Start here

help: ## list these tasks
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build the binary ./glean
	$(GO) build -ldflags '$(LDFLAGS)' -o glean ./cmd/glean

demo: ## learn and transmit in a simulated network; needs no root
	$(GO) run -ldflags '$(LDFLAGS)' ./cmd/glean demo

test: deps tidy lint unit race fuzz sim ## everything that CI runs: deps and all parts below up to sim

##@ Parts of the tests

tidy: ## formatting, import arrows, banned calls, module file, quoted output
	$(GO) vet ./...
	$(GO) mod tidy -diff
	$(GO) test -count=1 .

lint: linter ## golangci-lint with .golangci.yml
	@if [ -x $(LINT) ]; then $(LINT) run; else echo "lint: skipped: golangci-lint $(LINT_VERSION) is not installed"; fi

unit: ## go test of all packages; as root also on real devices
	$(GO) test -count=1 -timeout 20m ./...

race: ## packages with goroutines, under the race detector
	$(GO) test -count=1 -race -timeout 20m ./stack/loop ./stack/link/... ./generator/transmit ./server/... ./cmd/...

# When the time is over while a worker is busy, go test sometimes says only
# "context deadline exceeded" and fails. A real failure names its input.
fuzz: ## every fuzz target for FUZZ_S=5 seconds
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ_S)s -fuzzminimizetime 10x -parallel 2 $$pkg >fuzz.log 2>&1 || \
	      { grep -q '^    context deadline exceeded$$' fuzz.log && ! grep -qE 'Failing input|panic|hung or terminated' fuzz.log; } || \
	      { cat fuzz.log; exit 1; }; \
	    grep execs fuzz.log | tail -n 1; \
	  done; done; rm -f fuzz.log

sim: ## SEEDS=20000 random worlds, from SEED=1 on
	$(GO) run ./cmd/glean sim check --seeds $(SEEDS) --from $(SEED)

mutants: ## faults put into the code, each of which random worlds must find (takes long)
	$(GO) test -count=1 ./sim/swarm -run 'TestMutants$$' -mutants -timeout 60m -v

conformance: ## the checklist of protocol rules, with a verdict for each
	$(GO) run ./conformance/gate ./stack ./stack/header ./learning ./learning/congestion ./generator ./generator/traffic ./generator/program ./generator/signature ./sim ./server/engine ./conformance

##@ Benchmarks (docs/performance.md)

bench: ## all benchmarks of all packages
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-resolve: ## resolve 65,536 addresses by glean, the kernel and arp-scan in turn (root)
	$(GO) test -count=1 -timeout 30m -run '^TestResolve$$' -v ./conformance -args -resolve | grep -v '^=== '

bench-tx: ## transmit and pace beside bare loops, trafgen and tcpreplay (root)
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 20m ./generator/transmit
	$(GO) test -count=1 -run '^TestLearningBesideTraffic$$|^TestMovedMACUnderLoad$$' -v ./conformance -args -beside -moved | grep -v '^=== '

##@ Upkeep

deps: linter ## install the linter and, as root, the Debian packages that tests use
	@missing=""; for p in $(DEB_PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	if [ -z "$$missing" ]; then echo "deps: all installed"; \
	elif [ "$$(id -u)" != 0 ]; then echo "deps: not root, so not installed:$$missing (real-device tests will say what they skip)"; \
	else export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null && echo "deps: installed$$missing"; fi

linter:
	@test -x $(LINT) || GOBIN=$(dir $(LINT)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) || \
	  echo "linter: golangci-lint $(LINT_VERSION) could not be installed, so make lint skips it"

docs: ## update the output and pictures that pages quote
	$(GO) test -count=1 -run '^TestPagesQuoteWhatGleanPrints$$' . -args -update

clean: ## remove the binary
	rm -f glean
