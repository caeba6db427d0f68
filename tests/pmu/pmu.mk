# Tests on an emulated arm64 machine that has a PMU (docs/counters.md).

# The emulated arm64 machine: its PMU, a kernel for it, a compiler and libpfm4 for the programs on it.
PMU_PACKAGES := qemu-system-arm debian-installer-12-netboot-arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
                libstdc++6-arm64-cross libpfm4-dev:arm64

# What runs on the emulated arm64 machine (tests/pmu): the first process there and a command, static; and
# a session of ONNX Runtime, with the worker and the hook, all in one folder with the C library.
ARM         := $(BUILD)/aarch64-linux-gnu
ARM_CC      := aarch64-linux-gnu-gcc
ARM_LINKER  := -Wl,--dynamic-linker=/ld-linux-aarch64.so.1
ARM_GUEST   := $(patsubst %.c,$(ARM)/%.o,tests/pmu/guest.c tests/pmu/operators.c core/graph.c core/dtype.c \
                   base/ordered.c base/strbuf.c collectors/onnxruntime/brackets.c collectors/onnxruntime/identity.c) \
               $(call collect_objects,aarch64-linux-gnu)
ARM_SESSION := $(patsubst %.c,$(ARM)/%.o,$(filter-out $(MAINS),$(wildcard collectors/onnxruntime/*.c collectors/memory/*.c)) \
                   $(wildcard core/*.c) collectors/counters.c collectors/disturbance.c collectors/environment.c collectors/exchange.c collectors/frame.c \
                   collectors/kernfs.c collectors/lowered.c collectors/own_process.c collectors/perf_rights.c collectors/request.c collectors/serve.c \
                   collectors/worker.c base/arena.c base/err.c \
                   base/file.c base/installation.c base/ordered.c base/rng.c base/stats.c base/strbuf.c base/units.c)
ARM_TESTS   := $(ARM)/assay-collect $(ARM)/assay-worker $(ARM)/libassay-ort-hook.so \
               $(addprefix $(ARM)/tests/pmu/,guest work session)

$(ARM)/tests/pmu/guest: $(ARM_GUEST)
	$(QUIET)$(ARM_CC) -static -o $@ $^ -lpfm -lm -lpthread

$(ARM)/tests/pmu/work: $(ARM)/tests/pmu/work.o $(ARM)/tests/pmu/operators.o
	$(QUIET)$(ARM_CC) -static -o $@ $^

$(ARM)/tests/pmu/session: $(ARM)/tests/pmu/session.o $(ARM_SESSION)
	$(QUIET)$(ARM_CC) $(ARM_LINKER) -o $@ $^ -l:libpfm.a -lm -lpthread -ldl

$(ARM)/assay-worker: $(ARM)/collectors/onnxruntime/worker_main.o $(ARM_SESSION)
	$(QUIET)$(ARM_CC) $(ARM_LINKER) -o $@ $^ -l:libpfm.a -lm -lpthread -ldl

$(ARM)/libassay-ort-hook.so: collectors/onnxruntime/hook.c
	@mkdir -p $(@D)
	$(QUIET)$(ARM_CC) -I. -D_GNU_SOURCE -DASSAY_VERSION='"$(VERSION)"' $(COLLECT_CFLAGS) -fPIC -fvisibility=hidden \
	    -shared -MF $(ARM)/hook.d -MT $@ -o $@ $<

# Where a compiler and libpfm4 for arm64 are (make deps-pmu), what is run on the emulated machine too.
# It is built once, by the same compiler whatever CC is.
ifneq ($(and $(filter-out clang,$(CC)),$(shell command -v $(ARM_CC) 2>/dev/null),$(wildcard /usr/lib/aarch64-linux-gnu/libpfm.a)),)
TESTS_ARM := $(ARM_TESTS)
endif

check-pmu: deps-pmu ## counters on an emulated arm64 machine that has a PMU
	@$(MAKE) --no-print-directory -j$(JOBS) $(ARM_TESTS)
	@ASSAY_PMU=required BUILD=$(BUILD) tests/pmu/arm64.sh | tee $(BUILD)/check-pmu.log
	@echo; echo "$$(grep -c '^ok ' $(BUILD)/check-pmu.log) passed, $$(grep -c '^not ok ' $(BUILD)/check-pmu.log) failed"
	@! grep -q '^not ok ' $(BUILD)/check-pmu.log
