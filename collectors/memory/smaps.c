#include "collectors/memory/smaps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum memory_part part;
} special[] = {
    {"[heap]",  MEMORY_HEAP     },
    {"[stack]", MEMORY_STACKS   },
    {"[anon",   MEMORY_HEAP     },
    {"[v",      MEMORY_LIBRARIES}, /* vdso, vvar, vsyscall */
};

static enum memory_part part_of(const struct smaps *smaps, const char *name) {
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        if (strncmp(name, special[i].name, strlen(special[i].name)) == 0)
            return special[i].part;
    if (name[0] != '/')
        return MEMORY_HEAP;
    const char *base = strrchr(name, '/');
    const char *suffix = strstr(base, ".so");
    bool library = suffix && (suffix[3] == '\0' || suffix[3] == '.' || suffix[3] == ' ');
    bool program = smaps->program && strcmp(name, smaps->program) == 0;
    return library || program ? MEMORY_LIBRARIES : MEMORY_FILES;
}

/* "55d0c0-55d0f0 r-xp 00000000 08:01 1234   /usr/bin/cat": the name is behind five fields. */
static const char *mapping_name(const char *line) {
    for (int field = 0; field < 5; field++) {
        line += strcspn(line, " ");
        line += strspn(line, " ");
    }
    return line;
}

static bool is_head(const char *line) {
    size_t digits = strspn(line, "0123456789abcdef");
    return digits > 0 && line[digits] == '-';
}

static double field_bytes(const char *line, size_t name_length) {
    return (double)strtoull(line + name_length, NULL, 10) * 1024;
}

static void take_line(struct smaps *smaps) {
    const char *line = smaps->line;
    if (is_head(line))
        smaps->part = part_of(smaps, mapping_name(line));
    else if (strncmp(line, "Rss:", 4) == 0)
        smaps->parts.resident_bytes[smaps->part] += field_bytes(line, 4);
    else if (strncmp(line, "Pss:", 4) == 0)
        smaps->parts.proportional_bytes[smaps->part] += field_bytes(line, 4);
}

void smaps_take(struct smaps *smaps, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            smaps->line[smaps->length] = '\0';
            take_line(smaps);
            smaps->length = 0;
        } else if (smaps->length < SMAPS_LINE - 1) {
            smaps->line[smaps->length++] = text[i];
        }
    }
}
