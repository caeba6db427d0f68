/* The arrows of the house: which room may include which. See docs/architecture.md. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct room {
    const char *name;
    const char *may_include; /* itself always; words separated by blanks */
} rooms[] = {
    {"base",       ""                                                                     },
    {"core",       "base"                                                                 },
    {"models",     "base core"                                                            },
    {"db",         "base core"                                                            },
    {"collectors", "base core"                                                            },
    {"profiler",   "base core collectors"                                                 },
    {"predictor",  "base core"                                                            },
    {"reports",    "base core"                                                            },
    {"jobs",       "base core models db collectors profiler predictor reports"            },
    {"server",     "base core models db collectors profiler predictor reports jobs"       },
    {"cli",        "base core models db collectors profiler predictor reports jobs server"},
};

enum { ROOM_COUNT = sizeof rooms / sizeof *rooms };

static bool is_room(const char *name) {
    for (size_t i = 0; i < ROOM_COUNT; i++)
        if (strcmp(rooms[i].name, name) == 0)
            return true;
    return false;
}

static bool allowed(const struct room *room, const char *target) {
    char padded[200], word[80];
    snprintf(padded, sizeof padded, " %s %s ", room->may_include, room->name);
    snprintf(word, sizeof word, " %s ", target);
    return strstr(padded, word) != NULL;
}

/* Prints and counts the wrong arrows of one file. */
static int check_file(const struct room *room, const char *path, int *includes) {
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char line[1024], target[64];
    int wrong = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "#include \"%60[a-z_]/", target) != 1)
            continue;
        (*includes)++;
        if (is_room(target) && allowed(room, target))
            continue;
        print_error("%s: %s", path, line);
        wrong++;
    }
    fclose(file);
    return wrong;
}

static int check_folder(const struct room *room, const char *path, int *includes) {
    DIR *folder = opendir(path);
    if (!folder)
        fail_msg("no folder %s: tests run in the root of the sources", path);
    int wrong = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char child[600];
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        const char *dot = strrchr(entry->d_name, '.');
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR)
            wrong += check_folder(room, child, includes);
        else if (dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".h") == 0))
            wrong += check_file(room, child, includes);
    }
    closedir(folder);
    return wrong;
}

static void arrows_point_down(void **state) {
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < ROOM_COUNT; i++) {
        int includes = 0;
        wrong += check_folder(&rooms[i], rooms[i].name, &includes);
        assert_true(includes > 0); /* a walk that sees nothing proves nothing */
    }
    assert_int_equal(wrong, 0);
}

static void the_house_has_no_other_rooms(void **state) {
    (void)state;
    static const char *const others[] = {"tests",        "docs",       "build",
                                         "node_modules", "quickstart", "server"};
    DIR *folder = opendir(".");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || is_room(entry->d_name))
            continue;
        bool known = false;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            known |= strcmp(others[i], entry->d_name) == 0;
        if (!known)
            fail_msg("%s is no room of docs/architecture.md", entry->d_name);
    }
    closedir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrows_point_down),
        cmocka_unit_test(the_house_has_no_other_rooms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
