# Assay: one non-recursive Makefile. `make help` lists the targets.

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
BUILD   ?= build
JOBS    ?= $(shell nproc)
SHELL   := /bin/bash
# V=1 prints whole command lines.
QUIET   := $(if $(V),,@)
ifeq ($(origin CC),default)
CC := gcc
endif
.DEFAULT_GOAL := all

# ---- what is built ---------------------------------------------------------------------------

HOUSE    := base core models db collectors profiler predictor reports jobs server cli
# What runs inside of other programs is no part of the house's own.
EMIT     := collectors/emit
ROOMS    := $(filter-out $(EMIT),$(foreach room,$(HOUSE),$(room) $(patsubst %/,%,$(sort $(wildcard $(room)/*/)))))
SOURCES  := $(foreach room,$(ROOMS),$(sort $(wildcard $(room)/*.c)))
# Programs and plug-ins have a main or an entry point of their own.
MAINS    := cli/main.c collectors/onnxruntime/worker_main.c collectors/onnxruntime/hook.c collectors/collect_main.c \
            collectors/llamacpp/worker_main.c collectors/memory/heap_preload.c
LIBRARY  := $(filter-out $(MAINS),$(SOURCES))
# Written by protoc-c into the build folder.
PROTOS        := $(foreach room,$(ROOMS),$(sort $(wildcard $(room)/*.proto)))
PROTO_HEADERS := $(PROTOS:%.proto=$(BUILD)/%.pb-c.h)
PROTO_OBJECTS := $(PROTOS:%.proto=$(BUILD)/%.pb-c.o)
OBJECTS  := $(LIBRARY:%.c=$(BUILD)/%.o) $(PROTO_OBJECTS)
PROGRAMS := $(BUILD)/assay $(BUILD)/assay-worker $(BUILD)/assay-llama-worker $(BUILD)/libassay-ort-hook.so \
            $(BUILD)/libassay-heap.so $(BUILD)/assay-collect
# CROSS=aarch64-linux-gnu builds the collector alone, for another machine: build/aarch64-linux-gnu/assay-collect.
ifneq ($(CROSS),)
PROGRAMS := $(BUILD)/$(CROSS)/assay-collect
endif

PACKAGES := sqlite3 libcjson smartcols libssl libcrypto lapacke cbc yaml-0.1 zlib libmicrohttpd libnghttp2 libprotobuf-c \
            libcurl yajl
PACKAGE_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
CPPFLAGS += -I. -I$(BUILD) -D_GNU_SOURCE -DASSAY_VERSION='"$(VERSION)"' $(PACKAGE_CFLAGS)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Werror $(MORE_WARNINGS)
HARDEN   := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=c17 $(WARNINGS) $(HARDEN) $(CFLAGS) -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now
LDLIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpfm -lm -lpthread -ldl

# XGBoost is optional and has no pkg-config file: found by linking. XGBOOST= builds without it.
XGBOOST ?= $(shell printf '\043include <xgboost/c_api.h>\nint main(void){return XGBGetLastError()==0;}' | \
             gcc -x c -o /dev/null - -lxgboost 2>/dev/null && echo yes)
ifneq ($(XGBOOST),)
CPPFLAGS += -DASSAY_XGBOOST
LDLIBS   += -lxgboost
endif

all: $(PROGRAMS) ## build assay, its worker and the runtime's hook

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/%.pb-c.c $(BUILD)/%.pb-c.h: %.proto
	@mkdir -p $(@D)
	@echo "  protoc-c $<"
	$(QUIET)protoc-c --c_out=$(BUILD) $<

# What is written for us is not held to our warnings.
$(PROTO_OBJECTS): %.o: %.c
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(filter-out $(WARNINGS),$(ALL_CFLAGS)) -c -o $@ $<

$(OBJECTS): | $(PROTO_HEADERS)

$(BUILD)/libassay.a: $(OBJECTS)
	@rm -f $@
	$(QUIET)$(AR) rcs $@ $^

$(BUILD)/assay: $(BUILD)/cli/main.o $(BUILD)/libassay.a
	@echo "  ld $@"
	$(QUIET)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# A worker holds a foreign runtime. It links little, so that what it measures is the runtime's
# memory and not ours.
$(BUILD)/assay-worker: $(BUILD)/collectors/onnxruntime/worker_main.o
$(BUILD)/assay-llama-worker: $(BUILD)/collectors/llamacpp/worker_main.o
$(BUILD)/assay-worker $(BUILD)/assay-llama-worker: $(BUILD)/libassay.a
	@echo "  ld $@"
	$(QUIET)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
	    -Wl,--as-needed -lpfm -lm -lpthread -ldl

$(BUILD)/libassay-ort-hook.so: collectors/onnxruntime/hook.c
$(BUILD)/libassay-heap.so: collectors/memory/heap_preload.c

$(BUILD)/libassay-%.so:
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) -std=c17 $(WARNINGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared -MMD -MP \
	    -MF $(BUILD)/$*.d -MT $@ -o $@ $<

include collectors/collect.mk

# ---- tests -----------------------------------------------------------------------------------

TEST_SOURCES := $(sort $(wildcard tests/unit/*.c tests/tables/*.c tests/peers/*.c))
TESTS        := $(TEST_SOURCES:%.c=$(BUILD)/%)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libassay.a
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libassay.a -lcmocka $(LDLIBS)

# Loads model servers; also what test_load_generator starts.
LOAD := $(BUILD)/loop/load

$(LOAD): tests/loop/load.c tests/loop/generator.c tests/loop/percentile.c tests/loop/generator.h \
         tests/loop/percentile.h $(BUILD)/libassay.a
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(filter-out -MMD -MP,$(ALL_CFLAGS)) $(LDFLAGS) -o $@ \
	    $(filter-out %.h,$^) $(LDLIBS)

include tests/pmu/pmu.mk

tests: all $(TESTS) $(LOAD) $(TESTS_ARM)

test: tests ## build with $(CC) and run all tests
	@tests/run $(BUILD)

# pkg-config and the compilers are there only after deps, so the rest runs in a make of its own. Without
# the packages of deps-pmu (no root, another distribution) the tests on the emulated PMU are skipped.
check: deps ## install what is missing, build with gcc and clang, run all tests
	@$(MAKE) --no-print-directory deps-pmu || echo "the tests on the emulated PMU will be skipped"
	@$(MAKE) --no-print-directory deps-record || echo "the tests on PyTorch will be skipped"
	@$(MAKE) --no-print-directory -j$(JOBS) CC=gcc BUILD=$(BUILD) tests
	@$(MAKE) --no-print-directory -j$(JOBS) CC=clang BUILD=$(BUILD)/clang tests
	@tests/run $(BUILD) $(BUILD)/clang

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The checks that sanitizers add make gcc see impossible paths; the plain build has these warnings.
SANITIZE_QUIET := -Wno-format-truncation -Wno-maybe-uninitialized -Wno-stringop-overflow

sanitize: ## all tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(BUILD)/sanitize CFLAGS='$(SANITIZE)' \
	    MORE_WARNINGS='$(SANITIZE_QUIET)' tests
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 LSAN_OPTIONS=suppressions=tests/lsan.supp:print_suppressions=0 \
	    tests/run $(BUILD)/sanitize

include collectors/emit/emit.mk

# ---- fuzzing (clang) -------------------------------------------------------------------------

FUZZ_RUNS    ?= 2000000
FUZZ_BUILD   := $(BUILD)/fuzz
FUZZERS      := $(patsubst %.c,$(FUZZ_BUILD)/%,$(notdir $(wildcard tests/fuzz/*.c)))
FUZZ_CFLAGS  := -std=c17 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -MMD -MP
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_BUILD)/objects/%.o,$(LIBRARY) $(PROTOS:%.proto=%.pb-c.c))

define compile_fuzz
@mkdir -p $(@D)
@echo "  cc $@"
$(QUIET)clang $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -c -o $@ $<
endef

$(FUZZ_BUILD)/objects/%.o: %.c
	$(compile_fuzz)

$(FUZZ_BUILD)/objects/%.pb-c.o: $(BUILD)/%.pb-c.c
	$(compile_fuzz)

$(FUZZ_OBJECTS): | $(PROTO_HEADERS)

$(FUZZ_BUILD)/libassay.a: $(FUZZ_OBJECTS)
	@rm -f $@
	$(QUIET)$(AR) rcs $@ $^

$(FUZZ_BUILD)/%: tests/fuzz/%.c $(FUZZ_BUILD)/libassay.a
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)clang $(CPPFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer -MF $@.d -o $@ $< $(FUZZ_BUILD)/libassay.a $(LDLIBS)

fuzzers: $(FUZZERS)

fuzz: ## run every fuzz target FUZZ_RUNS times (2,000,000)
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzers
	@tests/fuzz/run $(FUZZ_BUILD) $(FUZZ_RUNS)

# ---- long runs -------------------------------------------------------------------------------

KILLS ?= 1000

$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libassay.a
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libassay.a $(LDLIBS)

bench: all $(addprefix $(BUILD)/bench/,predictor packing hook bare_http dripper asker kineto_writer hostile_models) ## timings of assay itself, as ratios
	@tests/bench/run $(BUILD)
	@tests/bench/import $(BUILD)
	@tests/bench/serve $(BUILD)
	@tests/bench/soak $(BUILD)

bench: $(BUILD)/bench/hooks

loop: all $(LOAD) ## a model server under load: measured response times beside the plan's (7 minutes)
	@tests/loop/run $(BUILD)

nightly: ## what takes too long for check: sanitizers, fuzzing, KILLS random kills, benchmarks
	@$(MAKE) --no-print-directory sanitize
	@$(MAKE) --no-print-directory fuzz
	@$(MAKE) --no-print-directory -j$(JOBS) tests
	@ASSAY_PROFILE_KILLS=$(KILLS) ASSAY_DB_KILLS=$(KILLS) ASSAY_DB_COMMITS=$(KILLS) \
	    ASSAY_DB_DAMAGES=10000 ASSAY_DB_POWER_LOSSES=10000 tests/run $(BUILD)
	@$(MAKE) --no-print-directory bench
	@tests/bench/soak $(BUILD) 600

# ---- recorded observations (docs/observations.md) ---------------------------------------------

RECORDED := tests/data/observations.tsv.gz
NETWORKS ?= 250

record-observations: all ## record DB=FILE's observations for the tests: NETWORKS random networks, all models
	@[ -n "$(DB)" ] || { echo "usage: make record-observations DB=FILE [NETWORKS=N]"; exit 2; }
	$(QUIET)set -o pipefail; $(BUILD)/assay --db "$(DB)" observations --networks $(NETWORKS) | gzip -9n > $(RECORDED).new
	$(QUIET)mv $(RECORDED).new $(RECORDED)
	@ls -l $(RECORDED)
	@$(MAKE) --no-print-directory record-predictions

record-predictions: $(BUILD)/tests/unit/test_gate ## record what is predicted of the recorded observations now
	$(QUIET)$(BUILD)/tests/unit/test_gate --record

# ---- what must be installed ------------------------------------------------------------------

# A package is asked for when its command is missing (program:package) or it is not installed.
DEB_PROGRAMS := gcc:gcc clang:clang clang-format:clang-format pkg-config:pkg-config \
                gnuplot:gnuplot-nox sqlite3:sqlite3 node:nodejs npm:npm protoc-c:protobuf-c-compiler \
                promtool:prometheus go:golang-go curl:curl openssl:openssl wrk:wrk flatc:flatbuffers-compiler flatc:flatbuffers-compiler
DEB_PACKAGES := libc6-dev libclang-rt-dev libpfm4-dev libsqlite3-dev libcjson-dev libcmocka-dev \
                libsmartcols-dev libssl-dev liblapacke-dev libxgboost-dev coinor-libcbc-dev libyaml-dev \
                zlib1g-dev libyajl-dev libmicrohttpd-dev libnghttp2-dev libprotobuf-c-dev libcurl4-openssl-dev \
                libonnx-testdata golang-github-tidwall-gjson-dev python3-jsonschema python3-yaml ca-certificates
NPM_CI       := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# $(call ensure_packages,PACKAGES,COMMAND && ): installs those that are missing, behind a command.
define ensure_packages
@missing=; \
for package in $(1); do \
    dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q '^install ok installed' || missing+=" $$package"; \
done; \
[ -n "$$missing" ] || exit 0; \
if [ "$$(id -u)" -ne 0 ]; then \
    echo "These Debian packages are missing; as root run:"; \
    echo "  $(2)apt-get update && apt-get install --yes --no-install-recommends$$missing"; \
    exit 1; \
fi; \
export DEBIAN_FRONTEND=noninteractive; \
$(2)apt-get update -q && apt-get install -q --yes --no-install-recommends $$missing
endef

missing_programs = $(foreach pair,$(DEB_PROGRAMS),$(if $(shell command -v $(firstword $(subst :, ,$(pair)))),,$(lastword $(subst :, ,$(pair)))))

deps: ## install Debian packages and the pinned npm packages (as root; otherwise says how)
	$(call ensure_packages,$(missing_programs) $(DEB_PACKAGES))
	@sed -n '/"[a-zA-Z]*ependencies"/,/}/s/^ *"\(.*\)": "\([0-9.]*\)",\{0,1\}$$/\1 \2/p' package.json | \
	while read -r name version; do \
	    case $$name in */linux-$(NODE_ARCH)) ;; */linux-*) continue ;; esac; \
	    grep -qs "\"version\": \"$$version\"" "node_modules/$$name/package.json" && continue; \
	    echo "$(NPM_CI)"; $(NPM_CI); exit; \
	done

# Programs to record (docs/record.md); without them the tests on PyTorch are skipped.
RECORD_PACKAGES := python3-torch python3-torchvision

deps-record: ## install PyTorch for the tests of assay record (as root; otherwise says how)
	$(call ensure_packages,$(RECORD_PACKAGES))

deps-pmu: ## install what check-pmu needs (as root; otherwise says how)
	$(call ensure_packages,$(PMU_PACKAGES),dpkg --add-architecture arm64 && )

# ---- the main job on real models --------------------------------------------------------------

quickstart: deps ## install, build, then profile, fit, predict and plan real models
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@cli/quickstart.sh $(BUILD)

# ---- looking after the sources ----------------------------------------------------------------

C_FILES := $(foreach room,$(ROOMS) tests/unit tests/tables tests/peers tests/fuzz tests/bench tests/loop tests/pmu docs/examples,$(sort $(wildcard $(room)/*.[ch])))

format: ## put all C files into the house's format
	clang-format -i $(C_FILES)

C_FILES += $(sort $(wildcard $(EMIT)/*.[ch]))

# False alarms of cppcheck 2.10: out-parameters that are set when 0 is returned, hexadecimal floating
# constants, sizeof of a pointer that is meant, _Generic.
CPPCHECK_QUIET := $(addprefix --suppress=,missingIncludeSystem ctuuninitvar uninitStructMember \
                  incorrectLogicOperator pointerSize internalAstError)

lint: $(PROTO_HEADERS) ## format, clang-tidy and cppcheck, as far as they are installed
	@clang-format --dry-run -Werror $(C_FILES)
	@if command -v cppcheck >/dev/null; then \
	    cppcheck --quiet -j$(JOBS) --std=c11 --error-exitcode=1 --inline-suppr -I. -D_GNU_SOURCE \
	        --enable=warning,performance,portability $(CPPCHECK_QUIET) $(SOURCES) $(wildcard $(EMIT)/*.c); \
	else echo "skip: cppcheck is not installed"; fi
	@if command -v clang-tidy >/dev/null; then \
	    printf '%s\n' $(SOURCES) $(wildcard $(EMIT)/*.c) | xargs -P$(JOBS) -I{} clang-tidy --quiet --warnings-as-errors='*' \
	        --checks='-*,bugprone-*,clang-analyzer-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,-clang-analyzer-security.insecureAPI.*,-bugprone-narrowing-conversions,-bugprone-assignment-in-if-condition' \
	        {} -- -std=c17 $(CPPFLAGS); \
	else echo "skip: clang-tidy is not installed"; fi

# ---- installing --------------------------------------------------------------------------------

BIN_DIR  := $(DESTDIR)$(PREFIX)/bin
LIB_DIR  := $(DESTDIR)$(PREFIX)/lib/assay
SHARE    := $(DESTDIR)$(PREFIX)/share
MAPPINGS := $(SHARE)/assay/mappings
GROUPS_DIR := $(SHARE)/assay/groups
MAN      := $(SHARE)/man/man1/assay.1
BASH     := $(SHARE)/bash-completion/completions/assay
ZSH      := $(SHARE)/zsh/site-functions/_assay
FISH     := $(SHARE)/fish/vendor_completions.d/assay.fish
NODE_ARCH := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x64)
RUNTIME  := node_modules/onnxruntime-node/bin/napi-v6/linux/$(NODE_ARCH)/libonnxruntime.so.1
LLAMA    := node_modules/@node-llama-cpp/linux-$(NODE_ARCH)/bins/linux-$(NODE_ARCH)

install: all ## install under DESTDIR and PREFIX: programs, hooks, runtime, manual page, completions
	install -D -m 755 $(BUILD)/assay $(BIN_DIR)/assay
	install -D -m 755 $(BUILD)/assay-worker $(LIB_DIR)/assay-worker
	install -D -m 755 $(BUILD)/assay-llama-worker $(LIB_DIR)/assay-llama-worker
	install -D -m 644 $(BUILD)/libassay-ort-hook.so $(LIB_DIR)/libassay-ort-hook.so
	install -D -m 644 $(BUILD)/libassay-heap.so $(LIB_DIR)/libassay-heap.so
	install -D -m 755 $(BUILD)/assay-collect $(BIN_DIR)/assay-collect
	mkdir -p $(GROUPS_DIR)
	install -m 644 collectors/groups/*.group $(GROUPS_DIR)
	if [ -e $(RUNTIME) ]; then install -D -m 644 $(RUNTIME) $(LIB_DIR)/libonnxruntime.so.1; fi
	install -D -m 644 -t $(MAPPINGS) collectors/foreign/mappings/*.yaml
	for library in $(LLAMA)/libllama.v*.so $(LLAMA)/libggml*.so; do \
	    [ ! -e "$$library" ] || install -D -m 644 -t $(LIB_DIR)/llama.cpp "$$library" || exit 1; done
	mkdir -p $(dir $(MAN) $(BASH) $(ZSH) $(FISH))
	$(BUILD)/assay man > $(MAN)
	$(BUILD)/assay completion bash > $(BASH)
	$(BUILD)/assay completion zsh > $(ZSH)
	$(BUILD)/assay completion fish > $(FISH)

uninstall: ## remove what install put there
	rm -f $(BIN_DIR)/assay $(BIN_DIR)/assay-collect $(MAN) $(BASH) $(ZSH) $(FISH)
	rm -f $(patsubst collectors/groups/%,$(GROUPS_DIR)/%,$(wildcard collectors/groups/*.group))
	rm -f $(addprefix $(LIB_DIR)/,assay-worker assay-llama-worker libassay-ort-hook.so libassay-heap.so libonnxruntime.so.1)
	rm -rf $(LIB_DIR)/llama.cpp
	rm -f $(patsubst collectors/foreign/mappings/%,$(MAPPINGS)/%,$(wildcard collectors/foreign/mappings/*.yaml))
	for folder in $(LIB_DIR) $(MAPPINGS) $(GROUPS_DIR) $(SHARE)/assay; do \
	    [ ! -d $$folder ] || rmdir --ignore-fail-on-non-empty $$folder; \
	done

clean: ## remove the build folder
	rm -rf $(BUILD)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(filter-out %.d,$(MAKEFILE_LIST)) | expand -t 24

.PHONY: all tests test check check-pmu deps-pmu deps-record sanitize fuzzers fuzz bench loop nightly record-observations record-predictions \
        deps quickstart format lint \
        install uninstall install-hooks uninstall-hooks clean help
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
