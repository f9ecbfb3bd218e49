# Capo: make help says what there is.

GO      ?= go
OUT     := out
CAPO    := $(OUT)/capo
TESTS   ?= ./...
RUN     ?=
ALONE   := init,test/vm,test/boot,test/lab,test/e2e,test/netlab/forming,fleet
export CGO_ENABLED := 0

.DEFAULT_GOAL := help
.PHONY: run test test-long fuzz soak bench image flash linux dist fmt lint clean help go deps-run deps-test deps-build

## run: three virtual boards boot, find each other and process a photograph
run: $(CAPO) deps-run
	@$(CAPO) up --board qemu-amd64 --nodes 3 --keep
	@$(GO) run ./examples/tiles --capo $(CAPO) --out $(OUT)/tiles.png
	@echo
	@echo "The fleet goes on. To look around:"
	@echo "  $(CAPO) nodes        $(CAPO) jobs        $(CAPO) logs"
	@echo "  $(CAPO) exec '1 + 1' $(CAPO) deploy FILE $(CAPO) --help"
	@echo "To stop it:"
	@echo "  $(CAPO) down --yes"

## test: what fits into twelve minutes
test: go deps-test linux
	$(GO) run ./tools/testrun $(if $(CAPO_COUNTS),-add $(CAPO_COUNTS)) -alone $(ALONE) -- -p 2 -count=1 -timeout 9m $(if $(RUN),-run '$(RUN)') $(TESTS)

## test-long: what takes longer (soak, five minutes of avahi, fuzzing)
test-long: go deps-test linux
	CAPO_LONG=1 $(GO) run ./tools/testrun $(if $(CAPO_COUNTS),-add $(CAPO_COUNTS)) -alone $(ALONE) -- -p 2 -count=1 -timeout 30m -run 'Long$$' $(TESTS)

## fuzz: random kernels through every engine (FUZZ_TIME=10m, FUZZ_SEED=n for the same ones again)
fuzz: go
	CAPO_LONG=1 CAPO_FUZZ_TIME=$(or $(FUZZ_TIME),10m) CAPO_FUZZ_SEED=$(FUZZ_SEED) $(GO) test -count=1 -timeout 0 -v -run '^TestRandomKernelsGoOnLong$$' ./gateware/fuzz

## soak: cut the power of a machine a hundred times (CAPO_SOAK=n for another number)
soak: go deps-test linux
	CAPO_SOAK=$(or $(CAPO_SOAK),100) $(GO) test -count=1 -timeout 60m -v -run TestPowerMayFailAtAnyMoment ./test/boot

## bench: the figures, as text and JSON (NAME=part for one)
bench: $(CAPO) deps-run linux
	$(CAPO) bench $(NAME) --json $(OUT)/bench.json

## image: the image of a board, in out/ (BOARD=name; make run's board unless said)
image: $(CAPO) deps-run
	$(CAPO) image --board $(or $(BOARD),qemu-amd64) --no-token --out $(OUT)/$(or $(BOARD),qemu-amd64)

## flash: a card or disk for a board (BOARD=name DEVICE=/dev/sdX; without a device it lists them)
flash: $(CAPO)
	$(CAPO) flash $(if $(DEVICE),--board $(BOARD) $(DEVICE))

## linux: kernels and boot loaders of boards, in the cache (half an hour, once)
linux: go deps-build
	$(GO) run ./tools/linux

## dist: node binaries and the command for other systems, in dist/
dist: go deps-build
	$(GO) run ./tools/dist --out dist

## fmt: format the source
fmt: go
	$(GO) run ./tools/lint --fix

## lint: formatting, vet, comments, imports
lint: go
	$(GO) run ./tools/lint

## clean: remove what was built here
clean:
	rm -rf $(OUT) dist

## help: this list
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

go:
	@command -v $(GO) >/dev/null || { echo "Capo needs Go 1.26 or newer: https://go.dev/dl/"; exit 1; }
	@$(GO) version | grep -Eq 'go1\.(2[6-9]|[3-9][0-9])|devel' || { echo "Capo needs Go 1.26 or newer, here is: $$($(GO) version); https://go.dev/dl/"; exit 1; }

$(CAPO): go FORCE
	@mkdir -p $(OUT)
	@$(GO) build -trimpath -o $@ ./tools/capo

deps-run deps-test deps-build: deps-%: $(CAPO)
	@$(CAPO) doctor --for $* >/dev/null 2>&1 || $(CAPO) doctor --install --for $*

FORCE:
