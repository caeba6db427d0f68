#include "collectors/foreign/perf_line.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NS_DIGITS = 9, SECONDS_DIGITS_MAX = 9 };

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static size_t blanks(const char *text) {
    return strspn(text, " \t");
}

static size_t word(const char *text) {
    return strcspn(text, " \t");
}

/* "22507.062184:", exactly. */
static bool parse_seconds(const char *text, size_t length, int64_t *ns) {
    size_t digits = strspn(text, "0123456789");
    int64_t fraction = 0;
    size_t places = 0;
    if (digits == 0 || digits > SECONDS_DIGITS_MAX || text[digits] != '.' || length < digits + 3 ||
        text[length - 1] != ':')
        return false;
    for (const char *at = text + digits + 1; at < text + length - 1; at++, places++) {
        if (!is_digit(*at) || places == NS_DIGITS)
            return false;
        fraction = fraction * 10 + (*at - '0');
    }
    for (; places < NS_DIGITS; places++)
        fraction *= 10;
    *ns = strtoll(text, NULL, 10) * 1000000000 + fraction;
    return true;
}

/* "2489" or "2489/2490", the thread. */
static bool parse_thread(const char *text, size_t length, uint64_t *tid) {
    const char *slash = memchr(text, '/', length);
    const char *begin = slash ? slash + 1 : text;
    size_t rest = length - (size_t)(begin - text);
    for (size_t i = 0; i < length; i++)
        if (!is_digit(text[i]) && text + i != slash)
            return false;
    if (rest == 0 || rest > 10 || slash == text)
        return false;
    *tid = strtoull(begin, NULL, 10);
    return true;
}

/* Names of threads may have blanks in them, and numbers: the first moment that has a thread before
 * it, and maybe a CPU between, is the event's. Gives where the thread begins and the moment ends.
 */
static bool find_moment(const char *line, struct perf_event_line *event, const char **thread,
                        const char **behind) {
    const char *before = NULL, *before_that = NULL; /* the last two words */
    for (const char *at = line + blanks(line); *at; at += word(at), at += blanks(at)) {
        const char *place = before && *before == '[' ? before_that : before;
        if (place && is_digit(*at) && parse_seconds(at, word(at), &event->at_ns) &&
            parse_thread(place, word(place), &event->tid)) {
            *thread = place;
            *behind = at + word(at);
            return true;
        }
        before_that = before;
        before = at;
    }
    return false;
}

static void copy_comm(const char *line, const char *end, char comm[static PERF_COMM_SIZE]) {
    line += blanks(line);
    while (end > line && isspace((unsigned char)end[-1]))
        end--;
    size_t length = end > line ? (size_t)(end - line) : 0;
    if (length >= PERF_COMM_SIZE)
        length = utf8_prefix(line, PERF_COMM_SIZE - 1);
    snprintf(comm, PERF_COMM_SIZE, "%.*s", (int)length, line);
}

/* "5025125 cpu-clock: ..." */
static bool parse_event(const char *text, struct perf_event_line *event) {
    text += blanks(text);
    size_t digits = strspn(text, "0123456789");
    event->period = 0;
    if (digits > 0 && (text[digits] == ' ' || text[digits] == '\t')) {
        if (digits > 18)
            return false;
        event->period = strtoull(text, NULL, 10);
        text += digits;
        text += blanks(text);
    }
    size_t length = word(text);
    if (length < 2 || length > PERF_EVENT_SIZE || text[length - 1] != ':')
        return false;
    snprintf(event->event, sizeof event->event, "%.*s", (int)length - 1, text);
    event->rest = text + length + blanks(text + length);
    return true;
}

bool perf_event_line(const char *line, struct perf_event_line *event) {
    const char *thread, *behind;
    if (!find_moment(line, event, &thread, &behind))
        return false;
    copy_comm(line, thread, event->comm);
    return parse_event(behind, event);
}

static bool parse_address(const char **text, uint64_t *address) {
    size_t digits = strspn(*text, "0123456789abcdef");
    if (digits == 0 || digits > 16)
        return false;
    *address = strtoull(*text, NULL, 16);
    *text += digits;
    return true;
}

/* "+0x44" behind a symbol is no part of its name. */
static size_t without_offset(const char *symbol, size_t length) {
    size_t at = length;
    while (at > 0 && strchr("0123456789abcdef", symbol[at - 1]))
        at--;
    return at >= 3 && at < length && strncmp(symbol + at - 3, "+0x", 3) == 0 ? at - 3 : length;
}

static const char *last_of(const char *line, const char *begin) {
    const char *last = NULL;
    for (const char *at = strstr(line, begin); at; at = strstr(at + 1, begin))
        last = at;
    return last;
}

/* Symbols and files may have blanks and parentheses: a file begins with a slash, the kernel's with
 * a bracket. */
static const char *open_of_file(const char *line) {
    static const char *const begins[] = {" (/", " ([", " ("};
    const char *open = NULL;
    for (size_t i = 0; i < sizeof begins / sizeof *begins && !open; i++)
        open = last_of(line, begins[i]);
    return open;
}

static void find_file(const char *line, struct perf_frame *frame, size_t *length) {
    size_t all = strlen(line);
    const char *open = all > 0 && line[all - 1] == ')' ? open_of_file(line) : NULL;
    *length = open ? (size_t)(open - line) : all;
    frame->file = "";
    frame->file_length = 0;
    if (!open)
        return;
    const char *begin = open + 2, *end = line + all - 1;
    for (const char *at = begin; at < end; at++)
        if (*at == '/')
            begin = at + 1;
    frame->file = begin;
    frame->file_length = (uint32_t)(end - begin);
}

bool perf_frame_line(const char *line, struct perf_frame *frame) {
    size_t length;
    line += blanks(line);
    if (!parse_address(&line, &frame->address) || (*line != ' ' && *line != '\0'))
        return false;
    line += blanks(line);
    find_file(line, frame, &length);
    frame->symbol = line;
    frame->symbol_length = (uint32_t)without_offset(line, length);
    return true;
}

bool perf_probe_place(const char *rest, uint64_t *function, bool *is_return) {
    uint64_t caller;
    if (*rest++ != '(' || !parse_address(&rest, function))
        return false;
    *is_return = strncmp(rest, " <- ", 4) == 0;
    if (*is_return) {
        rest += 4;
        if (!parse_address(&rest, &caller))
            return false;
    }
    return *rest == ')';
}
