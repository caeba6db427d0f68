/* Files written, put out of memory and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "profiler/storage_probe.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 8 << 20 };

static char folder[] = "storage-probe-XXXXXX";

static int set_up(void **state) {
    (void)state;
    strcpy(folder, "storage-probe-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return rmdir(folder); /* fails when something is left in it */
}

static void rates_have_their_slowest_and_fastest_round(void **state) {
    (void)state;
    struct storage_rates rates;
    struct err err = {0};
    if (storage_probe(folder, BYTES, &rates, &err)) {
        printf("skip: %s\n", err.message); /* the working folder lies in memory */
        skip();
    }
    const struct probed *all[] = {&rates.cold_bytes_per_s, &rates.warm_bytes_per_s,
                                  &rates.cold_delay_ns};
    for (int i = 0; i < 3; i++)
        assert_true(all[i]->low <= all[i]->value && all[i]->value <= all[i]->high);
    assert_true(rates.cold_bytes_per_s.low > 0 && rates.warm_bytes_per_s.low > 0);
    assert_true(rates.cold_delay_ns.low >= 0);
}

static void a_folder_that_is_not_there_is_named(void **state) {
    (void)state;
    struct storage_rates rates;
    struct err err = {0};
    assert_int_not_equal(storage_probe("no/such/folder", BYTES, &rates, &err), 0);
    assert_non_null(strstr(err.message, "no/such/folder"));
    assert_int_equal(err.code, ERR_ENVIRONMENT);
}

static void a_folder_in_memory_is_no_storage(void **state) {
    (void)state;
    struct storage_rates rates;
    struct err err = {0};
    if (access("/dev/shm", W_OK)) {
        printf("skip: no /dev/shm\n");
        skip();
    }
    assert_int_not_equal(storage_probe("/dev/shm", BYTES, &rates, &err), 0);
    assert_non_null(strstr(err.message, "/dev/shm"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rates_have_their_slowest_and_fastest_round, set_up,
                                        tear_down),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
        cmocka_unit_test(a_folder_in_memory_is_no_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
