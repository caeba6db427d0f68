/* The functions that an ELF file defines, with their places in the file: where probes are put.
 *
 * 64-bit files of this machine's byte order (System V gABI, chapters 4 and 5). The file is hostile:
 * every table is checked against its size before it is walked. A function's file offset is its
 * value - p_vaddr + p_offset of the executable segment that holds it; functions that no such
 * segment holds are left out.
 */
#ifndef ASSAY_COLLECTORS_RECORD_ELF_SYMBOLS_H
#define ASSAY_COLLECTORS_RECORD_ELF_SYMBOLS_H

#include "base/err.h"

#include <stdint.h>

struct elf_function {
    const char *name;      /* as in the file: mangled; borrowed from its bytes */
    uint64_t offset_bytes; /* of the first instruction, in the file */
    uint64_t size_bytes;   /* 0: not said */
};

typedef void elf_function_fn(void *context, const struct elf_function *function);

/* Visits what the dynamic table lists, then what the static one does (which stripped files lack):
 * most functions come twice when both are there. ERR_INPUT when it is no such file. */
int elf_functions(const unsigned char *bytes, uint64_t size, const char *path,
                  elf_function_fn *visit, void *context, struct err *err);

#endif
