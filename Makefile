# Everything a newcomer needs. A fresh machine with Go and make is enough for
# build, demo and test; peers installs what the tests against other people's
# servers need.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  := -s -w -X main.version=$(VERSION)
BUILD    := CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)'
FOR      ?=
FUZZTIME ?= 10m
BENCHTIME ?= 1s
MEASURED := ./mapping ./connectors/modbus ./prodsmart/uplink ./internal/store ./internal/bench
TARGETS  := linux/amd64 linux/arm64 windows/amd64 windows/arm64

.PHONY: all build demo test check lint race race-core bench conformance chaos fuzz release peers clean

all: build

build:
	$(BUILD) -o bin/ ./cmd/...

# The main job on loopback: a pretend plant, a pretend Prodsmart, the gateway.
# make demo FOR=30s ends by itself and fails if anything differs.
demo: build
	bin/plantsim demo --gateway bin/prodsmart-gateway --config configs/demo.yaml $(if $(FOR),--for $(FOR))

test:
	$(GO) test ./...

lint:
	@out=$$(gofmt -l .); if [ -n "$$out" ]; then echo "not gofmt-ed:"; echo "$$out"; exit 1; fi
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./...

# The race detector over the rooms where goroutines meet, with the long runs cut
# short; check runs it over all.
race-core:
	$(GO) test -race -short ./internal/gateway/... ./prodsmart/uplink/... ./internal/store/... ./mapping/... ./prodsmart/webhook ./prodsmart/mirror ./internal/orders

race:
	$(GO) test -race -timeout 60m ./...

# What a change must pass.
check: lint build race
	bin/prodsmart-gateway check --skip-secrets -c configs/demo.yaml

# Measures against the bars and leaves docs/benchmarks.md. It takes some minutes
# and wants the computer for itself. A failed run leaves the page as it was.
bench:
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 30m $(MEASURED) | \
	  $(GO) run ./internal/bench/benchdoc -o docs/benchmarks.md

# Recovery of every protocol against other people's servers and brokers; leaves
# docs/conformance.md, also if something did not hold, which then fails.
conformance:
	CONFORMANCE_PAGE=$(CURDIR)/docs/conformance.md PEERS=required $(GO) test -count 1 -timeout 15m ./internal/conformance

# Thirty days of business systems, planners, outages and lost stores in virtual time.
chaos:
	CHAOS_DAYS=$(or $(DAYS),30) CHAOS_SEED=$(or $(SEED),1) $(GO) test -count 1 -v -timeout 150m -run TestChaos ./internal/orders

# Each fuzz target for FUZZTIME.
fuzz:
	@set -e; for p in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p; \
	  done; done

release:
	@set -e; for t in $(TARGETS); do \
	  os=$${t%/*}; arch=$${t#*/}; ext=; [ $$os = windows ] && ext=.exe; \
	  for c in prodsmart-gateway plantsim; do \
	    GOOS=$$os GOARCH=$$arch $(BUILD) -o dist/$$c-$(VERSION)-$$os-$$arch$$ext ./cmd/$$c; \
	  done; done
	cd dist && sha256sum * > SHA256SUMS

peers:
	.ci/peers

clean:
	rm -rf bin dist
