# The libraries that other programs load: hooks, and what ITT and NVTX inject.

HOOKS    := $(BUILD)/libassay-hooks.so
INJECTED := $(BUILD)/libassay-itt.so $(BUILD)/libassay-nvtx.so
ifeq ($(CROSS),)
all: $(HOOKS) $(INJECTED)
endif

# Libraries that other programs load. They stay loaded: threads that end later, and the one of the
# hooks library, run their code.
EMIT_HEADERS := $(wildcard $(EMIT)/*.h collectors/hooks/format.h) collectors/assay_hooks.h
EMIT_CFLAGS   = $(CPPFLAGS) -std=c17 $(WARNINGS) $(CFLAGS) -fPIC -fvisibility=hidden -shared -Wl,-z,nodelete \
                -Wl,-z,relro,-z,now
HOOKS_PARTS  := $(addprefix $(EMIT)/,hooks.c stream.c lane.c kinds.c clock.c counters.c helper.c)

$(HOOKS).1: $(HOOKS_PARTS) $(EMIT_HEADERS) $(EMIT)/hooks.map
	@mkdir -p $(@D)
	@echo "  cc $@"
	$(QUIET)$(CC) $(EMIT_CFLAGS) -Wl,-soname,$(@F) -Wl,--version-script=$(EMIT)/hooks.map -o $@ \
	    $(HOOKS_PARTS) -lpthread

$(HOOKS): $(HOOKS).1
	$(QUIET)ln -sf $(<F) $@

# They write through the hooks library, beside them in the build folder and above them when installed.
$(BUILD)/libassay-itt.so: $(EMIT)/itt.c $(EMIT)/nest.c
$(BUILD)/libassay-nvtx.so: $(EMIT)/nvtx.c $(EMIT)/nvtx_message.c $(EMIT)/nest.c
$(INJECTED): $(EMIT_HEADERS) | $(HOOKS)
	@echo "  cc $@"
	$(QUIET)$(CC) $(EMIT_CFLAGS) -o $@ $(filter %.c,$^) -L$(BUILD) -lassay-hooks -lpthread -ldl \
	    -Wl,-rpath,'$$ORIGIN:$$ORIGIN/..'

# The hooks, for other programs: part of install and uninstall.
SO_DIR   := $(DESTDIR)$(PREFIX)/lib
HEADER   := $(DESTDIR)$(PREFIX)/include/assay_hooks.h
PC_FILE  := $(SO_DIR)/pkgconfig/assay-hooks.pc

install: install-hooks
install-hooks: all
	mkdir -p $(LIB_DIR) $(dir $(PC_FILE))
	install -m 644 $(INJECTED) $(LIB_DIR)
	install -D -m 644 $(HOOKS).1 $(SO_DIR)/libassay-hooks.so.1
	ln -sf libassay-hooks.so.1 $(SO_DIR)/libassay-hooks.so
	install -D -m 644 collectors/assay_hooks.h $(HEADER)
	sed 's/@VERSION@/$(VERSION)/' $(EMIT)/assay-hooks.pc.in > $(PC_FILE)

uninstall: uninstall-hooks
uninstall-hooks:
	rm -f $(HEADER) $(PC_FILE) $(addprefix $(SO_DIR)/,libassay-hooks.so libassay-hooks.so.1)
	rm -f $(addprefix $(LIB_DIR)/,$(notdir $(INJECTED)))
