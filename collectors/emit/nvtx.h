/* The protocol between a program with NVTX in it and the library that it loads. Layouts and numbers
 * are those of nvToolsExt.h and nvtxDetail/nvtxTypes.h of NVTX 3. */
#ifndef ASSAY_COLLECTORS_EMIT_NVTX_H
#define ASSAY_COLLECTORS_EMIT_NVTX_H

#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

typedef void (*any_function)(void);

enum { NVTX_TABLE_CALLBACKS = 1, NVTX_CORE = 1, NVTX_CORE2 = 5 };
enum { NVTX_ASCII = 1, NVTX_WIDE = 2, NVTX_REGISTERED = 3 };

struct nvtx_callbacks {
    size_t size;
    /* Gives an array of places that hold a function each. */
    int (*module)(int module, any_function ***table, unsigned *count);
};

struct nvtx_attributes {
    uint16_t version, size;
    uint32_t category;
    int32_t color_type;
    uint32_t color;
    int32_t payload_type, reserved;
    uint64_t payload;
    int32_t message_type;
    union {
        const char *ascii;
        const wchar_t *wide;
        const void *registered;
    } message;
};

/* Places in the tables, as far as they are used. */
enum {
    NVTX_START = 4,
    NVTX_START_ASCII = 5,
    NVTX_START_WIDE = 6,
    NVTX_STOP = 7,
    NVTX_PUSH = 8,
    NVTX_PUSH_ASCII = 9,
    NVTX_PUSH_WIDE = 10,
    NVTX_POP = 11,
    NVTX_NAME_THREAD = 14,
    NVTX_NAME_THREAD_WIDE = 15,
};

enum {
    NVTX_DOMAIN_START = 2,
    NVTX_DOMAIN_STOP = 3,
    NVTX_DOMAIN_PUSH = 4,
    NVTX_DOMAIN_POP = 5,
    NVTX_REGISTER = 10,
    NVTX_REGISTER_WIDE = 11,
    NVTX_DOMAIN_CREATE = 12,
    NVTX_DOMAIN_CREATE_WIDE = 13,
};

/* Called once by each copy of NVTX in the program, with what gives its tables; 0: it failed. */
int InitializeInjectionNvtx2(const void *(*get_table)(uint32_t table));

#endif
