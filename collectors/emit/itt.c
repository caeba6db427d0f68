/* libassay-itt.so: what programs tell through Intel's Instrumentation and Tracing Technology goes
 * into a stream of hooks. A program with ITT in it (oneDNN, TBB, PyTorch) loads the library that
 * INTEL_LIBITTNOTIFY64 names and calls __itt_api_init once for each statically linked copy of ITT.
 */
#include "collectors/emit/itt.h"

#include "collectors/emit/nest.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static const unsigned char magic[8] = ITT_MAGIC;

static _Thread_local struct nest nest;

/* ---- names ------------------------------------------------------------------------------------
 */

/* Domains whose tasks are operators of a model; those of others are annotations. */
static const char *const operator_domains[] = {"dnnl::primitive::execute", "PyTorch"};

static uint32_t kind_of(const struct itt_domain *domain, const char *name) {
    enum assay_hooks_sort sort = ASSAY_HOOKS_ANNOTATION;
    const char *category = domain && domain->name ? domain->name : "ITT";
    for (size_t i = 0; i < sizeof operator_domains / sizeof *operator_domains; i++)
        if (strcmp(operator_domains[i], category) == 0)
            sort = ASSAY_HOOKS_OPERATOR;
    return assay_hooks_kind(sort, name, category);
}

static uint32_t kind_of_string(const struct itt_domain *domain, const struct itt_string *string) {
    return kind_of(domain, string && string->text ? string->text : "task");
}

static uint32_t kind_of_function(const struct itt_domain *domain, void *function) {
    Dl_info info;
    char address[32];
    if (dladdr(function, &info) && info.dli_sname)
        return kind_of(domain, info.dli_sname);
    snprintf(address, sizeof address, "%p", function);
    return kind_of(domain, address);
}

/* ITT keeps one object of each name; the program holds on to them, so they are never freed. */
static struct itt_domain *domain_create(const char *name) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct itt_domain *domains;
    pthread_mutex_lock(&mutex);
    struct itt_domain *domain = domains;
    while (domain && strcmp(domain->name, name) != 0)
        domain = domain->next;
    size_t size = strlen(name) + 1;
    if (!domain && (domain = malloc(sizeof *domain + size))) {
        const char *copy = memcpy(domain + 1, name, size);
        *domain = (struct itt_domain){.enabled = 1, .name = copy, .next = domains};
        domains = domain;
    }
    pthread_mutex_unlock(&mutex);
    return domain;
}

static struct itt_string *string_handle_create(const char *text) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct itt_string *strings;
    pthread_mutex_lock(&mutex);
    struct itt_string *string = strings;
    while (string && strcmp(string->text, text) != 0)
        string = string->next;
    size_t size = strlen(text) + 1;
    if (!string && (string = malloc(sizeof *string + size))) {
        const char *copy = memcpy(string + 1, text, size);
        *string = (struct itt_string){.text = copy, .next = strings};
        strings = string;
    }
    pthread_mutex_unlock(&mutex);
    return string;
}

static void thread_set_name(const char *name) {
    assay_hooks_thread(name);
}

/* ---- tasks that nest ---------------------------------------------------------------------------
 */

static void task_begin(const struct itt_domain *domain, struct itt_id id, struct itt_id parent,
                       struct itt_string *name) {
    (void)id, (void)parent;
    nest_begin(&nest, domain, kind_of_string(domain, name), NULL, 0);
}

static void task_begin_fn(const struct itt_domain *domain, struct itt_id id, struct itt_id parent,
                          void *function) {
    (void)id, (void)parent;
    nest_begin(&nest, domain, kind_of_function(domain, function), NULL, 0);
}

static void task_end(const struct itt_domain *domain) {
    nest_end(&nest, domain);
}

/* ---- tasks, regions, frames and events that overlap --------------------------------------------
 */

/* What has begun and is found again by its domain and number. */
struct overlap {
    const void *domain;
    struct itt_id id;
    uint64_t range;
    struct overlap *next;
};

enum { OVERLAP_BUCKETS = 256 };

static pthread_mutex_t overlaps_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct overlap *overlaps[OVERLAP_BUCKETS];

static struct overlap **bucket_of(const void *domain, struct itt_id id) {
    uint64_t hash = ((uintptr_t)domain >> 4) + id.d1 + id.d2 * 31 + id.d3 * 961;
    return &overlaps[hash * 0x9e3779b97f4a7c15u >> 56];
}

static bool is_overlap(const struct overlap *overlap, const void *domain, struct itt_id id) {
    return overlap->domain == domain && overlap->id.d1 == id.d1 && overlap->id.d2 == id.d2 &&
           overlap->id.d3 == id.d3;
}

static void overlap_begin(const void *domain, struct itt_id id, uint32_t kind) {
    struct overlap *overlap = malloc(sizeof *overlap);
    if (!overlap)
        return;
    struct overlap **bucket = bucket_of(domain, id);
    *overlap = (struct overlap){domain, id, assay_hooks_start(kind, NULL, 0), NULL};
    pthread_mutex_lock(&overlaps_mutex);
    overlap->next = *bucket;
    *bucket = overlap;
    pthread_mutex_unlock(&overlaps_mutex);
}

static void overlap_end(const void *domain, struct itt_id id) {
    pthread_mutex_lock(&overlaps_mutex);
    struct overlap **place = bucket_of(domain, id);
    while (*place && !is_overlap(*place, domain, id))
        place = &(*place)->next;
    struct overlap *overlap = *place;
    if (overlap)
        *place = overlap->next;
    pthread_mutex_unlock(&overlaps_mutex);
    if (overlap)
        assay_hooks_stop(overlap->range);
    free(overlap);
}

static void task_begin_overlapped(const struct itt_domain *domain, struct itt_id id,
                                  struct itt_id parent, struct itt_string *name) {
    (void)parent;
    overlap_begin(domain, id, kind_of_string(domain, name));
}

static void task_end_overlapped(const struct itt_domain *domain, struct itt_id id) {
    overlap_end(domain, id);
}

/* A frame may have no number; then a domain has one at a time. */
static void frame_begin(const struct itt_domain *domain, struct itt_id *id) {
    overlap_begin(domain, id ? *id : (struct itt_id){0}, kind_of(domain, "frame"));
}

static void frame_end(const struct itt_domain *domain, struct itt_id *id) {
    overlap_end(domain, id ? *id : (struct itt_id){0});
}

/* An event's number is its kind's; the same may run on several threads. */
static int event_create(const char *name, int length) {
    char text[256];
    snprintf(text, sizeof text, "%.*s", length < 0 ? 0 : length, name);
    return (int)kind_of(NULL, text);
}

static int event_start(int event) {
    overlap_begin(&nest, (struct itt_id){(unsigned)event, 0, 0}, (uint32_t)event);
    return 0;
}

static int event_end(int event) {
    overlap_end(&nest, (struct itt_id){(unsigned)event, 0, 0});
    return 0;
}

/* ---- the table ---------------------------------------------------------------------------------
 */

typedef void (*any_function)(void);

static const struct offer {
    const char *name;
    any_function function;
} offers[] = {
    {"__itt_domain_create",         (any_function)domain_create        },
    {"__itt_string_handle_create",  (any_function)string_handle_create },
    {"__itt_thread_set_name",       (any_function)thread_set_name      },
    {"__itt_task_begin",            (any_function)task_begin           },
    {"__itt_task_begin_fn",         (any_function)task_begin_fn        },
    {"__itt_task_end",              (any_function)task_end             },
    {"__itt_task_begin_overlapped", (any_function)task_begin_overlapped},
    {"__itt_task_end_overlapped",   (any_function)task_end_overlapped  },
    {"__itt_region_begin",          (any_function)task_begin_overlapped},
    {"__itt_region_end",            (any_function)task_end_overlapped  },
    {"__itt_frame_begin_v3",        (any_function)frame_begin          },
    {"__itt_frame_end_v3",          (any_function)frame_end            },
    {"__itt_event_create",          (any_function)event_create         },
    {"__itt_event_start",           (any_function)event_start          },
    {"__itt_event_end",             (any_function)event_end            },
};

static void offer_to(struct itt_api *api) {
    *api->function = api->when_absent;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
        if (strcmp(offers[i].name, api->name) == 0)
            memcpy(api->function, &offers[i].function, sizeof offers[i].function);
}

EXPORT void __itt_api_init(struct itt_global *global, int groups) {
    (void)groups;
    if (!global || memcmp(global->magic, magic, sizeof magic) != 0 || !global->apis)
        return;
    for (struct itt_api *api = global->apis; api->name; api++)
        offer_to(api);
}
