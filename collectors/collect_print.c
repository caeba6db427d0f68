#include "base/units.h"
#include "collectors/collect.h"

#include <math.h>

void print_json_text(FILE *out, const char *text) {
    if (!text) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    fputc('"', out);
}

void print_json_number(FILE *out, double value) {
    char text[UNIT_TEXT_SIZE];
    fputs(isfinite(value) ? unit_exact(text, value) : "null", out);
}
