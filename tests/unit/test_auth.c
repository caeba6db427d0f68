/* Tokens: where they come from, what is one. That they are asked for is in test_http.c. */
#include "server/auth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/assay-token-XXXXXX";

static int begin(void **state) {
    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    close(mkstemp(path));
    unsetenv(AUTH_ENVIRONMENT);
    return 0;
}

static int end(void **state) {
    (void)state;
    unlink(path);
    unsetenv(AUTH_ENVIRONMENT);
    return 0;
}

static void write_token(const char *bytes, size_t length) {
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static void nothing_given_asks_for_nothing(void **state) {
    (void)state;
    struct auth auth;
    struct err err = {0};
    assert_int_equal(auth_load(&auth, NULL, &err), 0);
    assert_false(auth.required);
}

static void the_file_goes_before_the_environment(void **state) {
    (void)state;
    struct auth auth;
    struct err err = {0};
    setenv(AUTH_ENVIRONMENT, "from-environment", 1);
    write_token("from-file\r\n", 11);
    assert_int_equal(auth_load(&auth, path, &err), 0);
    assert_true(auth_accepts(&auth, "Bearer from-file", NULL));
    assert_false(auth_accepts(&auth, "Bearer from-environment", NULL));
    assert_int_equal(auth_load(&auth, NULL, &err), 0);
    assert_true(auth_accepts(&auth, NULL, "from-environment"));
    assert_false(auth_accepts(&auth, NULL, NULL));
}

static void only_the_whole_token_is_right(void **state) {
    static const struct {
        const char *field;
        bool accepted;
    } rows[] = {
        {"Bearer secret",  true },
        {"bearer secret",  true },
        {"Bearer  secret", true },
        {"Bearer secret ", false},
        {"Bearer secre",   false},
        {"Bearer Secret",  false},
        {"Bearer ",        false},
        {"Bearer",         false},
        {"Basic secret",   false},
        {"secret",         false},
        {"",               false},
    };
    (void)state;
    struct auth auth;
    struct err err = {0};
    setenv(AUTH_ENVIRONMENT, "secret", 1);
    assert_int_equal(auth_load(&auth, NULL, &err), 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (auth_accepts_bearer(&auth, rows[i].field, strlen(rows[i].field)) != rows[i].accepted)
            fail_msg("'%s'", rows[i].field);
    assert_false(auth_accepts_bearer(&auth, "Bearer secret\0more", 18));
    assert_true(auth_accepts_bearer(&auth, "Bearer secret and more", 13));
}

static void the_token_itself_is_not_kept(void **state) {
    (void)state;
    struct auth auth;
    struct err err = {0};
    write_token("correct-horse", 13);
    assert_int_equal(auth_load(&auth, path, &err), 0);
    assert_null(memmem(&auth, sizeof auth, "horse", 5));
}

static void what_is_no_token_is_refused(void **state) {
    (void)state;
    static char long_one[1025];
    memset(long_one, 'a', sizeof long_one);
    static const struct {
        const char *bytes;
        size_t length;
    } rows[] = {
        {"",            0              },
        {"\n",          1              },
        {"two words\n", 10             },
        {"a\nb\n",      4              },
        {"a\0b",        3              },
        {"caf\xc3\xa9", 5              },
        {long_one,      sizeof long_one},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct auth auth;
        struct err err = {0};
        write_token(rows[i].bytes, rows[i].length);
        assert_int_equal(auth_load(&auth, path, &err), -ERR_INPUT);
        assert_non_null(strstr(err.message, path));
        assert_false(auth.required);
    }
    struct auth auth;
    struct err err = {0};
    setenv(AUTH_ENVIRONMENT, "", 1);
    assert_int_equal(auth_load(&auth, NULL, &err), -ERR_INPUT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nothing_given_asks_for_nothing), TEST(the_file_goes_before_the_environment),
        TEST(only_the_whole_token_is_right),  TEST(the_token_itself_is_not_kept),
        TEST(what_is_no_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
