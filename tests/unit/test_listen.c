/* Addresses to listen on. */
#include "server/listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void addresses_are_read_and_written_back(void **state) {
    (void)state;
    static const struct {
        const char *text, *written;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:9808",          "127.0.0.1:9808",          true },
        {"localhost:80",            "127.0.0.1:80",            true },
        {"127.8.9.10:1",            "127.8.9.10:1",            true },
        {"[::1]:9808",              "[::1]:9808",              true },
        {"[::ffff:127.0.0.1]:9808", "[::ffff:127.0.0.1]:9808", true },
        {"0.0.0.0:65535",           "0.0.0.0:65535",           false},
        {"[::]:0",                  "[::]:0",                  false},
        {"10.0.0.1:9808",           "10.0.0.1:9808",           false},
        {"[::ffff:10.0.0.1]:9808",  "[::ffff:10.0.0.1]:9808",  false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct listen_address address;
        struct err err = {0};
        char text[LISTEN_TEXT_SIZE];
        if (listen_parse(&address, rows[i].text, &err) < 0)
            fail_msg("%s", err.message);
        assert_string_equal(listen_text(&address, text), rows[i].written);
        assert_int_equal(address_is_loopback((const struct sockaddr *)&address.socket),
                         rows[i].loopback);
    }
}

static void what_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "9808",
        ":9808",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:65536",
        "127.0.0.1:999999",
        "::1:9808",
        "[::1]",
        "[::1]9808",
        "[]:9808",
        "[127.0.0.1]:9808",
        "127.0.0:9808",
        "example.org:80",
        "[::1:9808",
        "]:1",
        "[:1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct listen_address address;
        struct err err = {0};
        if (listen_parse(&address, texts[i], &err) != -ERR_USAGE)
            fail_msg("'%s' is taken for an address", texts[i]);
        assert_non_null(strstr(err.hint, "127.0.0.1:9808"));
    }
}

static void others_are_let_in_when_they_are_known(void **state) {
    static const struct {
        const char *text;
        bool known;
        int code;
    } rows[] = {
        {"127.0.0.1:0", false, 0         },
        {"127.1.2.3:0", false, 0         },
        {"[::1]:0",     false, 0         },
        {"0.0.0.0:0",   true,  0         },
        {"0.0.0.0:0",   false, -ERR_USAGE},
        {"[::]:0",      false, -ERR_USAGE},
        {"192.0.2.1:0", false, -ERR_USAGE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct listen_address address;
        struct err err = {0};
        assert_int_equal(listen_parse(&address, rows[i].text, &err), 0);
        int code = listen_check_exposure(&address, rows[i].known, "--grpc", &err);
        if (code != rows[i].code || (code && !strstr(err.message, rows[i].text)))
            fail_msg("%s: %d '%s'", rows[i].text, code, err.message);
    }
}

static void port_0_picks_one(void **state) {
    (void)state;
    struct listen_address address;
    struct err err = {0};
    char text[LISTEN_TEXT_SIZE];
    assert_int_equal(listen_parse(&address, "127.0.0.1:0", &err), 0);
    int fd = listen_open(&address, &err);
    assert_true(fd >= 0);
    assert_true(atoi(strrchr(listen_text(&address, text), ':') + 1) > 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_written_back),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(others_are_let_in_when_they_are_known),
        cmocka_unit_test(port_0_picks_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
