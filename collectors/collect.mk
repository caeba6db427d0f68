# assay-collect, the static collector.

# One file that needs nothing else: objects of its own, built for this machine (into collect/) and, by
# the same rules, for those in CROSSES. Sanitizers cannot be linked statically, so it has its own flags.
CROSSES         := aarch64-linux-gnu
COLLECT_SOURCES := collectors/collect_main.c collectors/collect_counters.c collectors/collect_print.c \
                   collectors/child.c collectors/counters.c collectors/group.c collectors/group_files.c \
                   collectors/kernfs.c collectors/perf_rights.c collectors/collect_hooks.c \
                   $(wildcard collectors/hooks/*.c) core/dtype.c base/file.c base/utf8.c \
                   base/arena.c base/err.c base/formula.c base/installation.c base/units.c
COLLECT_CFLAGS  := -std=c17 $(WARNINGS) -O2 -g -MMD -MP
GROUPS_BUILTIN  := $(BUILD)/group_builtins.c
# What the collector is made of but its main, in one of the folders; tests of it link these.
collect_objects  = $(patsubst %.c,$(BUILD)/$(1)/%.o,$(filter-out %_main.c,$(COLLECT_SOURCES))) \
                   $(BUILD)/$(1)/group_builtins.o
collect_cc       = $(if $(filter $(CROSSES),$(1)),$(1)-gcc,$(CC))

$(GROUPS_BUILTIN): $(sort $(wildcard collectors/groups/*.group))
	@mkdir -p $(@D)
	$(QUIET){ echo '#include "collectors/group.h"'; echo 'const struct group_builtin group_builtins[] = {'; \
	for file in $^; do \
	    echo "{\"$$(basename $$file .group)\","; sed 's/[\\"]/\\&/g; s/.*/"&\\n"/' $$file; echo '},'; \
	done; echo '{0}};'; } > $@

define collect_rules
$$(BUILD)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	@echo "  cc $$@"
	$$(QUIET)$(call collect_cc,$(1)) -I. -D_GNU_SOURCE -DASSAY_VERSION='"$$(VERSION)"' $$(COLLECT_CFLAGS) -c -o $$@ $$<

$$(BUILD)/$(1)/group_builtins.o: $$(GROUPS_BUILTIN)
	@mkdir -p $$(@D)
	$$(QUIET)$(call collect_cc,$(1)) -I. $$(COLLECT_CFLAGS) -c -o $$@ $$<

$$(BUILD)/$(1)/assay-collect: $$(BUILD)/$(1)/collectors/collect_main.o $$(call collect_objects,$(1))
	@echo "  ld $$@"
	$$(QUIET)$(call collect_cc,$(1)) -static -o $$@ $$^ -lpfm -lm
endef
$(foreach place,collect $(CROSSES),$(eval $(call collect_rules,$(place))))

$(BUILD)/assay-collect: $(BUILD)/collect/assay-collect
	$(QUIET)cp $< $@
