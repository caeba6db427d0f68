/* Functions of ELF files: those of a file made here, byte by byte, and damaged ones. */
#include "collectors/record/elf_symbols.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_AT = 0x1000, TEXT_ADDRESS = 0x401000, TEXT_BYTES = 64 };

struct file {
    Elf64_Ehdr head;
    Elf64_Phdr segments[2];
    Elf64_Shdr sections[3];
    Elf64_Sym symbols[4];
    char names[32];
    unsigned char filler[TEXT_AT - sizeof(Elf64_Ehdr) - 2 * sizeof(Elf64_Phdr) -
                         3 * sizeof(Elf64_Shdr) - 4 * sizeof(Elf64_Sym) - 32];
    unsigned char text[TEXT_BYTES];
};

static struct file sound(void) {
    struct file file = {
        .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
                 .e_phoff = offsetof(struct file, segments),
                 .e_shoff = offsetof(struct file, sections),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 2,
                 .e_shentsize = sizeof(Elf64_Shdr),
                 .e_shnum = 3},
        .segments =
            {{.p_type = PT_LOAD, .p_flags = PF_R, .p_vaddr = TEXT_ADDRESS, .p_filesz = TEXT_BYTES},
                 {.p_type = PT_LOAD,
              .p_flags = PF_R | PF_X,
              .p_offset = TEXT_AT,
              .p_vaddr = TEXT_ADDRESS,
              .p_filesz = TEXT_BYTES}                   },
        .sections = {{0},
                 {.sh_type = SHT_DYNSYM,
                      .sh_offset = offsetof(struct file, symbols),
                      .sh_size = 4 * sizeof(Elf64_Sym),
                      .sh_link = 2},
                 {.sh_type = SHT_STRTAB,
                      .sh_offset = offsetof(struct file, names),
                      .sh_size = 32}         },
        .symbols = {{0},
                 {.st_name = 1,
                     .st_info = STT_FUNC,
                     .st_shndx = 1,
                     .st_value = TEXT_ADDRESS + 16,
                     .st_size = 5},
                 {.st_name = 7, .st_info = STT_FUNC},  /* of another library */
                    {.st_name = 13, .st_info = STT_OBJECT, .st_shndx = 1}                   },
        .names = "\0first\0other\0datum",
    };
    return file;
}

struct found {
    char name[32];
    uint64_t offset, size;
    int count;
};

static void keep(void *context, const struct elf_function *function) {
    struct found *found = context;
    strncpy(found->name, function->name, sizeof found->name - 1);
    found->offset = function->offset_bytes;
    found->size = function->size_bytes;
    found->count++;
}

static int look(const struct file *file, size_t size, struct found *found, struct err *err) {
    *found = (struct found){0};
    *err = (struct err){0};
    return elf_functions((const unsigned char *)file, size, "file", keep, found, err);
}

static void a_function_is_found_where_its_segment_puts_it(void **state) {
    (void)state;
    const struct file file = sound();
    struct found found;
    struct err err;
    assert_int_equal(look(&file, sizeof file, &found, &err), 0);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.name, "first");
    assert_int_equal(found.offset, TEXT_AT + 16);
    assert_int_equal(found.size, 5);
}

static void every_shorter_file_is_refused_or_read_without_harm(void **state) {
    (void)state;
    const struct file file = sound();
    unsigned char copy[sizeof file];
    for (size_t size = 0; size < TEXT_AT; size++) {
        struct found found;
        struct err err;
        memcpy(copy, &file, size);
        int code = look((const struct file *)(const void *)copy, size, &found, &err);
        assert_true(code == 0 || (code == -ERR_INPUT && *err.message));
    }
}

static void refuse(struct file file, const char *reason) {
    struct found found;
    struct err err;
    assert_int_equal(look(&file, sizeof file, &found, &err), -ERR_INPUT);
    if (!strstr(err.message, reason))
        fail_msg("'%s' is not in: %s", reason, err.message);
}

static void damaged_tables_are_refused_by_name(void **state) {
    (void)state;
    struct file file = sound();
    file.head.e_ident[0] = 'x';
    refuse(file, "not an ELF file");
    file = sound();
    file.head.e_ident[EI_CLASS] = ELFCLASS32;
    refuse(file, "64-bit");
    file = sound();
    file.head.e_shoff = UINT64_MAX - 8;
    refuse(file, "section headers");
    file = sound();
    file.head.e_phoff = sizeof file;
    refuse(file, "program headers");
    file = sound();
    file.head.e_shentsize = 1;
    refuse(file, "section headers of 1 bytes");
    file = sound();
    file.sections[1].sh_size = UINT64_MAX;
    refuse(file, "symbols");
    file = sound();
    file.sections[1].sh_link = 77;
    refuse(file, "names in section 77 of 3");
    file = sound();
    file.sections[2].sh_offset = sizeof file + 1;
    refuse(file, "names");
}

static void symbols_that_point_nowhere_are_left_out(void **state) {
    (void)state;
    struct file file = sound();
    struct found found;
    struct err err;
    file.symbols[1].st_name = 31; /* the last byte: not terminated */
    file.names[31] = 'x';
    assert_int_equal(look(&file, sizeof file, &found, &err), 0);
    assert_int_equal(found.count, 0);
    file = sound();
    file.symbols[1].st_value = TEXT_ADDRESS + TEXT_BYTES; /* behind the segment */
    assert_int_equal(look(&file, sizeof file, &found, &err), 0);
    assert_int_equal(found.count, 0);
    file = sound();
    file.segments[1].p_offset = sizeof file; /* behind the file */
    assert_int_equal(look(&file, sizeof file, &found, &err), 0);
    assert_int_equal(found.count, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_found_where_its_segment_puts_it),
        cmocka_unit_test(every_shorter_file_is_refused_or_read_without_harm),
        cmocka_unit_test(damaged_tables_are_refused_by_name),
        cmocka_unit_test(symbols_that_point_nowhere_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
