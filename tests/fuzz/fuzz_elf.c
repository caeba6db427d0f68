/* Any bytes as a library whose functions are to be probed, and its texts as names of operators. */
#include "collectors/record/elf_symbols.h"
#include "collectors/record/readable_name.h"
#include "collectors/record/torch_names.h"
#include "collectors/record/torch_schema.h"

#include <elf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct small {
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    Elf64_Shdr sections[3];
    Elf64_Sym symbols[2];
    char names[96];
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    const struct small small = {
        {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB},
         .e_phoff = offsetof(struct small,            segment),
         .e_shoff = offsetof(struct small, sections),
         .e_phentsize = sizeof(Elf64_Phdr),
         .e_phnum = 1,
         .e_shentsize = sizeof(Elf64_Shdr),
         .e_shnum = 3},
        {.p_type = PT_LOAD,                          .p_flags = PF_X, .p_filesz = sizeof small},
        {{0},
         {.sh_type = SHT_DYNSYM,
          .sh_offset = offsetof(struct small, symbols),
          .sh_size = 2 * sizeof(Elf64_Sym),
          .sh_link = 2},
         {.sh_type = SHT_STRTAB, .sh_offset = offsetof(struct small, names), .sh_size = 96}},
        {{0},                                                         {.st_name = 1, .st_info = STT_FUNC, .st_shndx = 1, .st_value = 8}                        },
        "\0_ZN2at4_ops10add_Tensor4callERKNS\0add.Tensor(Tensor self) -> Tensor",
    };
    const char *folder = getenv("ASSAY_FUZZ_SEEDS");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/small", folder ? folder : "");
    FILE *file = folder ? fopen(path, "w") : NULL;
    if (file) {
        fwrite(&small, sizeof small, 1, file);
        fclose(file);
    }
    return 0;
}

struct naming {
    struct arena arena;
    const struct torch_names *names;
};

static void name_it(void *context, const struct elf_function *function) {
    struct naming *naming = context;
    const char *schema;
    if (naming->arena.used_bytes > 1 << 20)
        return;
    torch_name(&naming->arena, naming->names, readable_name(&naming->arena, function->name),
               &schema);
    if (schema)
        torch_schema_tensors(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct naming naming;
    struct err err = {0};
    arena_init(&naming.arena);
    naming.names = torch_names_find(&naming.arena, data, size);
    elf_functions(data, size, "fuzz", name_it, &naming, &err);
    arena_done(&naming.arena);
    return 0;
}
