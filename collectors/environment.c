#include "collectors/environment.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static bool replaced(const char *const *added, const char *entry) {
    for (const char *const *a = added; *a; a++)
        if (strncmp(*a, entry, strcspn(*a, "=") + 1) == 0)
            return true;
    return false;
}

char **environment_with(const char *const *added) {
    size_t count = 1, n = 0;
    for (char **e = environ; *e; e++)
        count++;
    for (const char *const *a = added; *a; a++)
        count++;
    char **merged = malloc(count * sizeof *merged);
    if (!merged)
        return NULL;
    for (const char *const *a = added; *a; a++)
        memcpy(&merged[n++], a, sizeof *a);
    for (char **e = environ; *e; e++)
        if (!replaced(added, *e))
            merged[n++] = *e;
    merged[n] = NULL;
    return merged;
}
