#include "collectors/perf_rights.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a tree as the kernel shows it ------------------------------------------------------------
 */

static void put(const char *root, const char *path, const char *text) {
    char full[256];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void remove_tree(const char *root) {
    char command[256];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    assert_int_equal(system(command), 0);
}

static void levels_capabilities_and_containers_are_read(void **state) {
    (void)state;
    char root[] = "/tmp/assay-rights-XXXXXX";
    struct perf_rights rights;
    assert_non_null(mkdtemp(root));
    perf_rights_read(root, &rights);
    assert_int_equal(rights.paranoid, PARANOID_UNKNOWN);
    assert_false(rights.container);
    put(root, "/proc/sys/kernel/perf_event_paranoid", "-1\n");
    put(root, "/proc/self/status", "Name:\tx\nCapEff:\t0000004000000000\nSeccomp:\t2\n");
    put(root, "/.dockerenv", "");
    perf_rights_read(root, &rights);
    assert_int_equal(rights.paranoid, -1);
    assert_true(rights.capable && rights.container && rights.filtered);
    put(root, "/proc/self/status", "CapEff:\t00000000a80425fb\nSeccomp:\t0\n");
    perf_rights_read(root, &rights);
    assert_false(rights.capable || rights.filtered);
    remove_tree(root);
}

/* ---- what is said -----------------------------------------------------------------------------
 */

static const struct {
    const char *is;
    struct perf_rights rights;
    const char *reason, *command; /* parts of them; "" nothing */
} cases[] = {
    {"all allowed",       {.paranoid = 2, .capable = true},                         NULL, ""                                   },
    {"user only at 2",
     {.paranoid = 2, .whole_errno = EACCES},
     "paranoid is 2",                                                                     "sysctl kernel.perf_event_paranoid=1"},
    {"nothing at 3",
     {.paranoid = 3, .user_errno = EACCES, .whole_errno = EACCES},
     "paranoid is 3",                                                                     "sysctl kernel.perf_event_paranoid=2"},
    {"nothing at 4",
     {.paranoid = 4, .user_errno = EPERM, .whole_errno = EPERM},
     "paranoid is 4",                                                                     "sysctl kernel.perf_event_paranoid=2"},
    {"a container at 4",
     {.paranoid = 4, .container = true, .user_errno = EPERM, .whole_errno = EPERM},
     "paranoid is 4",                                                                     "--cap-add PERFMON"                  },
    {"a filter",
     {.paranoid = 1, .filtered = true, .user_errno = EPERM, .whole_errno = EPERM},
     "seccomp",                                                                           "--cap-add PERFMON"                  },
    {"a security module",
     {.paranoid = -1, .user_errno = EACCES, .whole_errno = EACCES},
     "blocked",                                                                           "setcap cap_perfmon=ep"              },
    {"no perf at all",
     {.paranoid = PARANOID_UNKNOWN, .user_errno = ENOSYS, .whole_errno = ENOSYS},
     "no perf events",                                                                    ""                                   },
};

static void each_refusal_has_its_reason_and_its_command(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char reason[256], command[128];
        perf_rights_reason(&cases[i].rights, reason, sizeof reason);
        perf_rights_command(&cases[i].rights, "assay-worker", command, sizeof command);
        if (cases[i].reason && !strstr(reason, cases[i].reason))
            fail_msg("%s: %s", cases[i].is, reason);
        if (cases[i].command[0] ? !strstr(command, cases[i].command) : command[0] != '\0')
            fail_msg("%s: %s", cases[i].is, command);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_capabilities_and_containers_are_read),
        cmocka_unit_test(each_refusal_has_its_reason_and_its_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
