#include "base/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool term_is_terminal(FILE *stream) {
    return isatty(fileno(stream)) == 1;
}

unsigned term_width(FILE *stream) {
    if (!term_is_terminal(stream))
        return 0;
    const char *columns = getenv("COLUMNS");
    int given = columns ? atoi(columns) : 0;
    if (given >= 20 && given <= 10000)
        return (unsigned)given;
    struct winsize size;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

bool term_colors(FILE *stream) {
    const char *no_color = getenv("NO_COLOR");
    if (no_color && *no_color)
        return false;
    const char *term = getenv("TERM");
    return term && strcmp(term, "dumb") != 0 && term_is_terminal(stream);
}

void term_escape(const char *text, bool lines, struct strbuf *out) {
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0; /* U+0080 to U+009F in UTF-8 */
        if ((*at < 0x20 && !(lines && *at == '\n')) || *at == 0x7f || c1)
            strbuf_printf(out, "\\x%02x", c1 ? *++at : *at);
        else
            strbuf_add(out, (const char *)at, 1);
    }
}
