/* The protocol between a program with ITT in it and the library that it loads. Layouts are those of
 * ittnotify.h and ittnotify_config.h of the ITT API 3.x, which have only been added to at the end
 * since 2012; all are packed to 8 bytes, as they are without being told. */
#ifndef ASSAY_COLLECTORS_EMIT_ITT_H
#define ASSAY_COLLECTORS_EMIT_ITT_H

#include <pthread.h>

struct itt_api {
    const char *name; /* "__itt_task_begin" */
    void **function;
    void *when_uninitialised, *when_absent;
    int group;
};

struct itt_domain {
    volatile int enabled;
    const char *name;
    void *wide_name;
    int extra1;
    void *extra2;
    struct itt_domain *next;
};

struct itt_string {
    const char *text;
    void *wide_text;
    int extra1;
    void *extra2;
    struct itt_string *next;
};

/* As far as it is used. */
struct itt_global {
    unsigned char magic[8];
    unsigned long major, minor, build;
    volatile long initialised, mutex_initialised, counter;
    pthread_mutex_t mutex;
    void *library, *error_handler;
    const char **library_path;
    struct itt_api *apis; /* ends with a NULL name */
};

struct itt_id {
    unsigned long long d1, d2, d3;
};

#define ITT_MAGIC                                                                                  \
    { 0xed, 0xab, 0xab, 0xec, 0x0d, 0xee, 0xda, 0x30 }

/* Called once by each copy of ITT in the program; fills its list. */
void __itt_api_init(struct itt_global *global, int groups);

#endif
