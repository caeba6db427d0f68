/* What must hold of every page that reports/ writes. */
#ifndef ASSAY_TESTS_PAGE_CHECKS_H
#define ASSAY_TESTS_PAGE_CHECKS_H

#include "reports/gnuplot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const void_elements[] = {"meta", "br", "rect", NULL};

static inline bool is_void(const char *name, size_t length) {
    for (int i = 0; void_elements[i]; i++)
        if (strlen(void_elements[i]) == length && memcmp(name, void_elements[i], length) == 0)
            return true;
    return false;
}

/* Every element is closed in the order it was opened, and no "<" stands outside of a tag. */
static inline void assert_balanced(const char *html) {
    const char *open[64];
    size_t lengths[64], depth = 0;
    for (const char *at = strchr(html, '<'); at; at = strchr(at, '<')) {
        bool closing = at[1] == '/';
        const char *name = at + 1 + closing, *end = strchr(at, '>');
        assert_non_null(end);
        at = end + 1;
        if (*name == '!' || end[-1] == '/')
            continue;
        size_t length = strcspn(name, " \t\n>");
        if (closing) {
            assert_true(depth > 0);
            depth--;
            assert_int_equal(lengths[depth], length);
            assert_memory_equal(open[depth], name, length);
        } else if (!is_void(name, length)) {
            assert_true(depth < 64);
            open[depth] = name;
            lengths[depth++] = length;
        }
        if (length == 5 && !closing && memcmp(name, "style", 5) == 0)
            at = strstr(at, "</style>");
    }
    assert_int_equal(depth, 0);
}

static inline void assert_unique_ids(const char *html) {
    for (const char *at = html; (at = strstr(at, " id=")); at++) {
        char needle[128];
        size_t length = strcspn(at + 5, "\"'") + 5;
        assert_true(length + 1 < sizeof needle);
        for (const char *quote = "\"'"; *quote; quote++) {
            snprintf(needle, sizeof needle, "%.*s", (int)length, at);
            needle[4] = *quote;
            needle[length] = *quote;
            needle[length + 1] = 0;
            const char *other = strstr(at + 1, needle);
            if (other)
                fail_msg("id twice: %s", needle);
        }
    }
}

static inline void assert_nothing_external(const char *html) {
    static const char *const banned[] = {"http:", "https:", "<script", "<link",   "<img",
                                         "src=",  "url(",   "@import", "<iframe", "<base",
                                         "xlink", "onload", "<!ENTITY"};
    for (size_t i = 0; i < sizeof banned / sizeof *banned; i++)
        if (strstr(html, banned[i]))
            fail_msg("found %s", banned[i]);
    for (const char *at = html; (at = strstr(at, "href=")); at++)
        assert_int_equal(at[6], '#');
}

static inline bool have_gnuplot(void) {
    struct strbuf out;
    struct err err = {0};
    strbuf_init(&out);
    int rc = gnuplot_run("print 1\n", &out, &err);
    strbuf_done(&out);
    if (rc)
        printf("skip: gnuplot cannot be run: %s\n", err.message);
    return rc == 0;
}

static inline void assert_is_a_page(const char *html) {
    assert_balanced(html);
    assert_unique_ids(html);
    assert_nothing_external(html);
    for (const char *at = html; *at; at++)
        assert_true((unsigned char)*at >= 0x20 || strchr("\t\n", *at));
}

#endif
