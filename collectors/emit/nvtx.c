/* libassay-nvtx.so: ranges of NVIDIA's Tools Extension go into a stream of hooks. A program with
 * NVTX in it (CUDA PyTorch, vLLM, TensorRT) loads the library that NVTX_INJECTION64_PATH names and
 * calls InitializeInjectionNvtx2, which asks for the program's tables and puts its functions there.
 */
#include "collectors/emit/nvtx.h"

#include "collectors/emit/nest.h"
#include "collectors/emit/nvtx_message.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>

#define EXPORT __attribute__((visibility("default")))

/* What handles point to: registered texts and domains. Never freed, for the program holds them. */
struct name {
    struct name *next;
    char text[];
};

static pthread_mutex_t names_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct name *registered_names, *domain_names;

static _Thread_local struct nest nest;

/* ---- messages ----------------------------------------------------------------------------------
 */

static const char *registered_text(const struct name *registered) {
    return registered->text;
}

static const char *text_of(const struct nvtx_attributes *attributes,
                           char wide[static MESSAGE_TEXT_MAX]) {
    const char *text = NULL;
    if (!attributes || attributes->size < sizeof *attributes)
        return "range";
    if (attributes->message_type == NVTX_ASCII)
        text = attributes->message.ascii;
    else if (attributes->message_type == NVTX_WIDE && attributes->message.wide)
        text = message_from_wide(attributes->message.wide, wide);
    else if (attributes->message_type == NVTX_REGISTERED && attributes->message.registered)
        text = registered_text(attributes->message.registered);
    return text ? text : "range";
}

static const char *category_of(const struct name *domain) {
    return domain ? domain->text : "NVTX";
}

static uint32_t kind_of(const struct name *domain, const struct message *message) {
    return assay_hooks_kind(message->is_operator ? ASSAY_HOOKS_OPERATOR : ASSAY_HOOKS_ANNOTATION,
                            message->name, category_of(domain));
}

/* ---- ranges ------------------------------------------------------------------------------------
 */

static int push(const struct name *domain, const char *text) {
    struct message message;
    message_read(text, &message);
    return nest_begin(&nest, domain, kind_of(domain, &message), message.tensors,
                      message.tensor_count);
}

static uint64_t start(const struct name *domain, const char *text) {
    struct message message;
    message_read(text, &message);
    return assay_hooks_start(kind_of(domain, &message), message.tensors, message.tensor_count);
}

static int domain_push(const struct name *domain, const struct nvtx_attributes *attributes) {
    char wide[MESSAGE_TEXT_MAX];
    return push(domain, text_of(attributes, wide));
}

static int domain_pop(const struct name *domain) {
    return nest_end(&nest, domain);
}

static uint64_t domain_start(const struct name *domain, const struct nvtx_attributes *attributes) {
    char wide[MESSAGE_TEXT_MAX];
    return start(domain, text_of(attributes, wide));
}

static void domain_stop(const struct name *domain, uint64_t range) {
    (void)domain;
    assay_hooks_stop(range);
}

static int core_push(const struct nvtx_attributes *attributes) {
    return domain_push(NULL, attributes);
}

static int core_push_ascii(const char *text) {
    return push(NULL, text ? text : "range");
}

static int core_push_wide(const wchar_t *text) {
    char wide[MESSAGE_TEXT_MAX];
    return push(NULL, text ? message_from_wide(text, wide) : "range");
}

static int core_pop(void) {
    return nest_end(&nest, NULL);
}

static uint64_t core_start(const struct nvtx_attributes *attributes) {
    return domain_start(NULL, attributes);
}

static uint64_t core_start_ascii(const char *text) {
    return start(NULL, text ? text : "range");
}

static uint64_t core_start_wide(const wchar_t *text) {
    char wide[MESSAGE_TEXT_MAX];
    return start(NULL, text ? message_from_wide(text, wide) : "range");
}

static void core_stop(uint64_t range) {
    assay_hooks_stop(range);
}

/* ---- names -------------------------------------------------------------------------------------
 */

/* Only the calling thread can be named. */
static void name_thread(uint32_t id, const char *name) {
    if (name && id == (uint32_t)syscall(SYS_gettid))
        assay_hooks_thread(name);
}

static void name_thread_wide(uint32_t id, const wchar_t *name) {
    char wide[MESSAGE_TEXT_MAX];
    name_thread(id, name ? message_from_wide(name, wide) : NULL);
}

static struct name *add_name(struct name **names, const char *text) {
    size_t size = strlen(text) + 1;
    struct name *name = malloc(sizeof *name + size);
    if (!name)
        return NULL;
    name->next = *names;
    memcpy(name->text, text, size);
    *names = name;
    return name;
}

/* A text has one handle. */
static struct name *register_text(const struct name *domain, const char *text) {
    (void)domain;
    const char *wanted = text ? text : "";
    pthread_mutex_lock(&names_mutex);
    struct name *name = registered_names;
    while (name && strcmp(name->text, wanted) != 0)
        name = name->next;
    if (!name)
        name = add_name(&registered_names, wanted);
    pthread_mutex_unlock(&names_mutex);
    return name;
}

static struct name *register_wide(const struct name *domain, const wchar_t *text) {
    char wide[MESSAGE_TEXT_MAX];
    return register_text(domain, text ? message_from_wide(text, wide) : NULL);
}

static struct name *domain_create(const char *text) {
    pthread_mutex_lock(&names_mutex);
    struct name *name = add_name(&domain_names, text ? text : "NVTX");
    pthread_mutex_unlock(&names_mutex);
    return name;
}

static struct name *domain_create_wide(const wchar_t *text) {
    char wide[MESSAGE_TEXT_MAX];
    return domain_create(text ? message_from_wide(text, wide) : NULL);
}

/* ---- the tables --------------------------------------------------------------------------------
 */

static const struct offer {
    int module;
    unsigned number; /* of the callback in its module */
    any_function function;
} offers[] = {
    {NVTX_CORE,  NVTX_START,              (any_function)core_start        },
    {NVTX_CORE,  NVTX_START_ASCII,        (any_function)core_start_ascii  },
    {NVTX_CORE,  NVTX_START_WIDE,         (any_function)core_start_wide   },
    {NVTX_CORE,  NVTX_STOP,               (any_function)core_stop         },
    {NVTX_CORE,  NVTX_PUSH,               (any_function)core_push         },
    {NVTX_CORE,  NVTX_PUSH_ASCII,         (any_function)core_push_ascii   },
    {NVTX_CORE,  NVTX_PUSH_WIDE,          (any_function)core_push_wide    },
    {NVTX_CORE,  NVTX_POP,                (any_function)core_pop          },
    {NVTX_CORE,  NVTX_NAME_THREAD,        (any_function)name_thread       },
    {NVTX_CORE,  NVTX_NAME_THREAD_WIDE,   (any_function)name_thread_wide  },
    {NVTX_CORE2, NVTX_DOMAIN_START,       (any_function)domain_start      },
    {NVTX_CORE2, NVTX_DOMAIN_STOP,        (any_function)domain_stop       },
    {NVTX_CORE2, NVTX_DOMAIN_PUSH,        (any_function)domain_push       },
    {NVTX_CORE2, NVTX_DOMAIN_POP,         (any_function)domain_pop        },
    {NVTX_CORE2, NVTX_REGISTER,           (any_function)register_text     },
    {NVTX_CORE2, NVTX_REGISTER_WIDE,      (any_function)register_wide     },
    {NVTX_CORE2, NVTX_DOMAIN_CREATE,      (any_function)domain_create     },
    {NVTX_CORE2, NVTX_DOMAIN_CREATE_WIDE, (any_function)domain_create_wide},
};

static void offer_module(const struct nvtx_callbacks *callbacks, int module) {
    any_function **table = NULL;
    unsigned count = 0;
    if (!callbacks->module(module, &table, &count) || !table)
        return;
    for (size_t i = 0; i < sizeof offers / sizeof *offers; i++)
        if (offers[i].module == module && offers[i].number < count && table[offers[i].number])
            *table[offers[i].number] = offers[i].function;
}

EXPORT int InitializeInjectionNvtx2(const void *(*get_table)(uint32_t table)) {
    const struct nvtx_callbacks *callbacks = get_table ? get_table(NVTX_TABLE_CALLBACKS) : NULL;
    if (!callbacks || callbacks->size < sizeof *callbacks || !callbacks->module)
        return 0;
    offer_module(callbacks, NVTX_CORE);
    offer_module(callbacks, NVTX_CORE2);
    return 1;
}
