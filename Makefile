# Assay: one non-recursive Makefile. `make help` lists the targets.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
BUILD    ?= build
CC       ?= gcc
SHELL    := /bin/bash
.DEFAULT_GOAL := all

# ---- what is built ---------------------------------------------------------------------------

ROOMS    := base core models models/onnx models/zoo db collectors collectors/onnxruntime \
            profiler predictor predictor/capacity reports jobs cli
SOURCES  := $(foreach room,$(ROOMS),$(sort $(wildcard $(room)/*.c)))
# Programs and plug-ins have a main or an entry point of their own.
MAINS    := cli/main.c collectors/onnxruntime/worker_main.c collectors/onnxruntime/hook.c
LIBRARY  := $(filter-out $(MAINS),$(SOURCES))
OBJECTS  := $(LIBRARY:%.c=$(BUILD)/%.o)
PROGRAMS := $(BUILD)/assay $(BUILD)/assay-worker $(BUILD)/libassay-ort-hook.so

PACKAGES := sqlite3 libcjson smartcols libcrypto lapacke
CPPFLAGS += -I. -D_GNU_SOURCE -DASSAY_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Werror
HARDEN   := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CFLAGS   ?= -O2 -g
ALL_CFLAGS := -std=c17 $(WARNINGS) $(HARDEN) $(CFLAGS) -MMD -MP
LDFLAGS  += -pie -Wl,-z,relro,-z,now
LDLIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpfm -lm -lpthread -ldl

all: $(PROGRAMS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/libassay.a: $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/assay: $(BUILD)/cli/main.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# The worker holds the foreign runtime. It links little, so that what it measures is the runtime's
# memory and not ours.
$(BUILD)/assay-worker: $(BUILD)/collectors/onnxruntime/worker_main.o $(BUILD)/libassay.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed -lpfm -lm -lpthread -ldl

$(BUILD)/libassay-ort-hook.so: collectors/onnxruntime/hook.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 $(WARNINGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared -MMD -MP -MF $(BUILD)/hook.d -MT $@ -o $@ $<

# ---- tests -----------------------------------------------------------------------------------

UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/unit/*.c tests/tables/*.c tests/peers/*.c)))

$(BUILD)/tests/%: tests/%.c $(BUILD)/libassay.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MF $@.d $(LDFLAGS) -o $@ $< $(BUILD)/libassay.a -lcmocka $(LDLIBS)

test: all $(UNIT_TESTS)
	@tests/run $(BUILD)

# ---- fuzzing (clang) -------------------------------------------------------------------------

FUZZERS     := $(patsubst %.c,$(BUILD)/fuzz/%,$(notdir $(wildcard tests/fuzz/*.c)))
FUZZ_CFLAGS := -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_SOURCES := $(filter base/% core/% models/%,$(LIBRARY))

$(BUILD)/fuzz/%: tests/fuzz/%.c $(FUZZ_SOURCES)
	@mkdir -p $(@D)
	clang $(CPPFLAGS) $(FUZZ_CFLAGS) -o $@ $^ $(LDLIBS)

fuzzers: $(FUZZERS)

clean:
	rm -rf $(BUILD)

.PHONY: all test fuzzers clean
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
