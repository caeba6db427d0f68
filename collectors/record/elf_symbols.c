#include "collectors/record/elf_symbols.h"

#include <elf.h>
#include <string.h>

/* What is looked at, and how far. Tables are copied out row by row: nothing in a file is aligned
 * because it says so. */
struct image {
    const unsigned char *bytes;
    uint64_t size;
    const char *path;
    Elf64_Ehdr head;
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OUR_ORDER = ELFDATA2LSB };
#else
enum { OUR_ORDER = ELFDATA2MSB };
#endif

static int read_head(struct image *image, struct err *err) {
    if (image->size < sizeof image->head || memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
        return err_set(err, ERR_INPUT, "%s: not an ELF file", image->path);
    memcpy(&image->head, image->bytes, sizeof image->head);
    if (image->head.e_ident[EI_CLASS] != ELFCLASS64 || image->head.e_ident[EI_DATA] != OUR_ORDER)
        return err_set(err, ERR_INPUT, "%s: an ELF file, but not a 64-bit one of this byte order",
                       image->path);
    return 0;
}

/* A table of `count` rows of `row` bytes at `offset`. */
static int check_table(const struct image *image, const char *what, uint64_t offset, uint64_t count,
                       uint64_t row, struct err *err) {
    if (offset <= image->size && count <= (image->size - offset) / row)
        return 0;
    return err_set(err, ERR_INPUT, "%s: the %s at offset %llu end behind the file's %llu bytes",
                   image->path, what, (unsigned long long)offset, (unsigned long long)image->size);
}

static int check_head(const struct image *image, struct err *err) {
    const Elf64_Ehdr *head = &image->head;
    if (head->e_phnum && head->e_phentsize != sizeof(Elf64_Phdr))
        return err_set(err, ERR_INPUT, "%s: program headers of %u bytes instead of %zu",
                       image->path, head->e_phentsize, sizeof(Elf64_Phdr));
    if (head->e_shnum && head->e_shentsize != sizeof(Elf64_Shdr))
        return err_set(err, ERR_INPUT, "%s: section headers of %u bytes instead of %zu",
                       image->path, head->e_shentsize, sizeof(Elf64_Shdr));
    int code = check_table(image, "program headers", head->e_phoff, head->e_phnum,
                           sizeof(Elf64_Phdr), err);
    return code ? code
                : check_table(image, "section headers", head->e_shoff, head->e_shnum,
                              sizeof(Elf64_Shdr), err);
}

static Elf64_Shdr section_at(const struct image *image, uint32_t index) {
    Elf64_Shdr section;
    memcpy(&section, image->bytes + image->head.e_shoff + index * sizeof section, sizeof section);
    return section;
}

/* UINT64_MAX: in no executable segment. */
static uint64_t file_offset(const struct image *image, uint64_t address) {
    for (uint32_t i = 0; i < image->head.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, image->bytes + image->head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X) || address < segment.p_vaddr ||
            address - segment.p_vaddr >= segment.p_filesz)
            continue;
        uint64_t inside = address - segment.p_vaddr;
        if (segment.p_offset < image->size && inside < image->size - segment.p_offset)
            return segment.p_offset + inside;
    }
    return UINT64_MAX;
}

struct names {
    const char *text;
    uint64_t size;
};

/* NULL: the name does not end inside the table. */
static const char *name_at(const struct names *names, uint32_t offset) {
    if (offset >= names->size || !memchr(names->text + offset, 0, names->size - offset))
        return NULL;
    return names->text + offset;
}

static int read_names(const struct image *image, uint32_t index, struct names *out,
                      struct err *err) {
    if (index >= image->head.e_shnum)
        return err_set(err, ERR_INPUT, "%s: names in section %u of %u", image->path, index,
                       image->head.e_shnum);
    Elf64_Shdr section = section_at(image, index);
    if (check_table(image, "names", section.sh_offset, section.sh_size, 1, err))
        return -(int)err->code;
    *out = (struct names){(const char *)image->bytes + section.sh_offset, section.sh_size};
    return 0;
}

static int visit_table(const struct image *image, const Elf64_Shdr *table, elf_function_fn *visit,
                       void *context, struct err *err) {
    struct names names = {NULL, 0};
    uint64_t count = table->sh_size / sizeof(Elf64_Sym);
    int code = check_table(image, "symbols", table->sh_offset, count, sizeof(Elf64_Sym), err);
    if (code || (code = read_names(image, table->sh_link, &names, err)))
        return code;
    for (uint64_t i = 0; i < count; i++) {
        Elf64_Sym symbol;
        memcpy(&symbol, image->bytes + table->sh_offset + i * sizeof symbol, sizeof symbol);
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_UNDEF)
            continue;
        struct elf_function function = {name_at(&names, symbol.st_name),
                                        file_offset(image, symbol.st_value), symbol.st_size};
        if (function.name && function.offset_bytes != UINT64_MAX)
            visit(context, &function);
    }
    return 0;
}

static int visit_tables(const struct image *image, uint32_t type, elf_function_fn *visit,
                        void *context, struct err *err) {
    for (uint32_t i = 0; i < image->head.e_shnum; i++) {
        Elf64_Shdr section = section_at(image, i);
        if (section.sh_type != type)
            continue;
        int code = visit_table(image, &section, visit, context, err);
        if (code)
            return code;
    }
    return 0;
}

int elf_functions(const unsigned char *bytes, uint64_t size, const char *path,
                  elf_function_fn *visit, void *context, struct err *err) {
    struct image image = {.bytes = bytes, .size = size, .path = path};
    if (read_head(&image, err) || check_head(&image, err) ||
        visit_tables(&image, SHT_DYNSYM, visit, context, err) ||
        visit_tables(&image, SHT_SYMTAB, visit, context, err))
        return -(int)err->code;
    return 0;
}
