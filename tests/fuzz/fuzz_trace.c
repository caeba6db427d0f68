/* Any bytes as the beginning of a line of a trace: a time or none, never more than the line. */
#include "jobs/trace.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t ns = 0;
    char *line = malloc(size ? size : 1);
    if (!line)
        abort();
    memcpy(line, data, size);
    if (trace_parse_time(line, size, &ns) && ns < 0)
        abort(); /* times before 1970 are not read */
    free(line);
    return 0;
}
