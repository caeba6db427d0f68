#include "collectors/foreign/pte.h"

#include <string.h>

enum { HEAD_BYTES = 8, EXTENDED_BYTES = 24, ARGUMENTS_MAX = 64, DIMS_MAX = 16 };

/* Fields by their number in the schema. */
enum { PROGRAM_PLANS = 1 };
enum { PLAN_NAME = 0, PLAN_VALUES = 2, PLAN_CHAINS = 5, PLAN_OPERATORS = 6, PLAN_DELEGATES = 7 };
enum { CHAIN_INSTRUCTIONS = 2 };
enum { UNION_TYPE = 0, UNION_VALUE = 1 }; /* of Instruction and EValue */
enum { CALL_INDEX = 0, CALL_ARGUMENTS = 1 };
enum { OPERATOR_NAME = 0, OPERATOR_OVERLOAD = 1, DELEGATE_ID = 0 };
enum { TENSOR_TYPE = 0, TENSOR_SIZES = 2, LIST_ITEMS = 0 };

/* Union members. */
enum { IS_KERNEL_CALL = 1, IS_DELEGATE_CALL = 2 };
enum { IS_TENSOR = 5, IS_TENSOR_LIST = 10 };

/* ---- the file -------------------------------------------------------------------------------- */

/* The program is smaller than the file where an extended header says so: "eh00", its length, the
 * program's size, where segments begin. */
static uint64_t program_size(const struct flatbuffer *buffer) {
    uint64_t size = 0;
    if (buffer->size < HEAD_BYTES + EXTENDED_BYTES ||
        memcmp(buffer->bytes + HEAD_BYTES, "eh00", 4) != 0)
        return buffer->size;
    for (uint32_t i = 0; i < 8; i++)
        size |= (uint64_t)buffer->bytes[HEAD_BYTES + 8 + i] << (8 * i);
    return size;
}

static int choose_plan(struct pte *pte, struct err *err) {
    struct flat_table program, plan;
    struct flat_vector plans;
    if (flat_root(&pte->buffer, 0, &program, err) ||
        flat_vector_of(&program, PROGRAM_PLANS, 4, &plans, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < plans.count && i < ARGUMENTS_MAX; i++) {
        const char *name;
        if (flat_element(&plans, i, &plan, err) || flat_text(&plan, PLAN_NAME, &name, err))
            return -(int)err->code;
        if (i == 0 || (name && strcmp(name, "forward") == 0))
            pte->plan = plan;
    }
    return 0;
}

int pte_open(struct pte *pte, const char *path, struct err *err) {
    *pte = (struct pte){0};
    if (file_map_open(&pte->map, path, err))
        return -(int)err->code;
    pte->buffer = (struct flatbuffer){pte->map.bytes, pte->map.size, path};
    int rc;
    if (pte->map.size < HEAD_BYTES || memcmp(pte->map.bytes + 4, "ET12", 4) != 0)
        rc = err_set(err, ERR_INPUT, "%s: not an ExecuTorch program: no ET12 at offset 4", path);
    else if (program_size(&pte->buffer) > pte->map.size)
        rc = err_set(err, ERR_INPUT, "%s: the program should have %llu bytes, the file has %llu",
                     path, (unsigned long long)program_size(&pte->buffer),
                     (unsigned long long)pte->map.size);
    else {
        pte->buffer.size = program_size(&pte->buffer);
        rc = choose_plan(pte, err);
    }
    if (rc)
        pte_close(pte);
    return rc;
}

void pte_close(struct pte *pte) {
    file_map_close(&pte->map);
}

void pte_call_init(struct pte_call *call) {
    strbuf_init(&call->name);
    strbuf_init(&call->shapes);
    strbuf_init(&call->dtypes);
}

void pte_call_done(struct pte_call *call) {
    strbuf_done(&call->name);
    strbuf_done(&call->shapes);
    strbuf_done(&call->dtypes);
}

static void clear(struct strbuf *text) {
    text->length = 0;
    text->text[0] = '\0';
}

/* ---- values ---------------------------------------------------------------------------------- */

/* By executorch's schema/scalar_type.fbs. */
static const char *const dtypes[] = {
    [0] = "uint8",
    [1] = "int8",
    [2] = "int16",
    [3] = "int32",
    [4] = "int64",
    [5] = "float16",
    [6] = "float32",
    [7] = "float64",
    [11] = "bool",
    [12] = "qint8",
    [13] = "quint8",
    [14] = "qint32",
    [15] = "bfloat16",
    [16] = "quint4x2",
    [17] = "quint2x4",
    [22] = "bits16",
    [23] = "float8_e5m2",
    [24] = "float8_e4m3fn",
    [25] = "float8_e5m2fnuz",
    [26] = "float8_e4m3fnuz",
    [27] = "uint16",
    [28] = "uint32",
    [29] = "uint64",
};

static const char *dtype_name(int64_t type) {
    bool known = type >= 0 && type < (int64_t)(sizeof dtypes / sizeof *dtypes) && dtypes[type];
    return known ? dtypes[type] : "unknown";
}

static int value_of(const struct pte *pte, int32_t index, int64_t *type, struct flat_table *value,
                    struct err *err) {
    struct flat_vector values;
    struct flat_table wrapped;
    *type = 0;
    *value = (struct flat_table){0};
    if (flat_vector_of(&pte->plan, PLAN_VALUES, 4, &values, err))
        return -(int)err->code;
    if (index < 0 || (uint32_t)index >= values.count)
        return 0;
    if (flat_element(&values, (uint32_t)index, &wrapped, err) ||
        flat_number(&wrapped, UNION_TYPE, 1, false, 0, type, err) ||
        flat_table_of(&wrapped, UNION_VALUE, value, err))
        return -(int)err->code;
    return 0;
}

static int add_tensor(const struct flat_table *tensor, struct pte_call *call, struct err *err) {
    struct flat_vector sizes;
    int64_t type;
    if (flat_number(tensor, TENSOR_TYPE, 1, true, 0, &type, err) ||
        flat_vector_of(tensor, TENSOR_SIZES, 4, &sizes, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < sizes.count && i < DIMS_MAX; i++)
        strbuf_printf(&call->shapes, "%s%d", i ? "x" : "", flat_int_at(&sizes, i));
    strbuf_puts(&call->shapes, sizes.count == 0 ? "1" : "");
    strbuf_puts(&call->dtypes, dtype_name(type));
    return 0;
}

static int add_argument(const struct pte *pte, int32_t index, struct pte_call *call,
                        struct err *err) {
    struct flat_table value;
    int64_t type;
    if (value_of(pte, index, &type, &value, err))
        return -(int)err->code;
    const char *gap = call->shapes.length > 0 ? " " : "";
    strbuf_puts(&call->shapes, gap);
    strbuf_puts(&call->dtypes, gap);
    if (type == IS_TENSOR)
        return add_tensor(&value, call, err);
    strbuf_puts(&call->shapes, "-");
    strbuf_puts(&call->dtypes, "-");
    return 0;
}

static bool holds(const struct flat_vector *indices, int32_t index) {
    for (uint32_t i = 0; i < indices->count && i < ARGUMENTS_MAX; i++)
        if (flat_int_at(indices, i) == index)
            return true;
    return false;
}

/* Out variants end in their outputs and then what they return: the output, or a list of them. */
static int count_inputs(const struct pte *pte, const struct flat_vector *arguments, uint32_t *count,
                        struct err *err) {
    struct flat_table value;
    struct flat_vector outputs = {0};
    int64_t type;
    *count = arguments->count;
    if (*count == 0)
        return 0;
    int32_t last = flat_int_at(arguments, *count - 1);
    if (value_of(pte, last, &type, &value, err) ||
        (type == IS_TENSOR_LIST && flat_vector_of(&value, LIST_ITEMS, 4, &outputs, err)))
        return -(int)err->code;
    while (*count > 0 && (flat_int_at(arguments, *count - 1) == last ||
                          holds(&outputs, flat_int_at(arguments, *count - 1))))
        --*count;
    return 0;
}

static int add_inputs(const struct pte *pte, const struct flat_table *made, struct pte_call *call,
                      struct err *err) {
    struct flat_vector arguments;
    uint32_t count;
    if (flat_vector_of(made, CALL_ARGUMENTS, 4, &arguments, err) ||
        count_inputs(pte, &arguments, &count, err))
        return -(int)err->code;
    for (uint32_t i = 0; i < count && i < ARGUMENTS_MAX; i++)
        if (add_argument(pte, flat_int_at(&arguments, i), call, err))
            return -(int)err->code;
    return 0;
}

/* ---- instructions ---------------------------------------------------------------------------- */

/* The element of one of the plan's lists that a call names; without a buffer: there is none. */
static int named(const struct pte *pte, const struct flat_table *made, uint32_t list,
                 struct flat_table *out, struct err *err) {
    struct flat_vector items;
    int64_t index;
    *out = (struct flat_table){0};
    if (flat_number(made, CALL_INDEX, 4, true, 0, &index, err) ||
        flat_vector_of(&pte->plan, list, 4, &items, err))
        return -(int)err->code;
    return index >= 0 && index < items.count ? flat_element(&items, (uint32_t)index, out, err) : 0;
}

static int describe_kernel(const struct pte *pte, const struct flat_table *made,
                           struct pte_call *call, struct err *err) {
    struct flat_table operator;
    const char *name, *overload;
    if (named(pte, made, PLAN_OPERATORS, &operator, err) ||
        flat_text(&operator, OPERATOR_NAME, &name, err) ||
        flat_text(&operator, OPERATOR_OVERLOAD, &overload, err))
        return -(int)err->code;
    if (!name)
        return 0;
    strbuf_puts(&call->name, name);
    if (overload && *overload)
        strbuf_printf(&call->name, ".%s", overload);
    return add_inputs(pte, made, call, err);
}

/* Which of a delegate's arguments are outputs the program does not say. */
static int describe_delegate(const struct pte *pte, const struct flat_table *made,
                             struct pte_call *call, struct err *err) {
    struct flat_table delegate;
    const char *id;
    if (named(pte, made, PLAN_DELEGATES, &delegate, err) ||
        flat_text(&delegate, DELEGATE_ID, &id, err))
        return -(int)err->code;
    strbuf_puts(&call->name, id ? id : "");
    return 0;
}

static int find_instruction(const struct pte *pte, int64_t chain, int64_t instruction,
                            struct flat_table *out, struct err *err) {
    struct flat_vector chains, instructions;
    struct flat_table table;
    *out = (struct flat_table){0};
    if (flat_vector_of(&pte->plan, PLAN_CHAINS, 4, &chains, err))
        return -(int)err->code;
    if (chain < 0 || chain >= chains.count)
        return 0;
    if (flat_element(&chains, (uint32_t)chain, &table, err) ||
        flat_vector_of(&table, CHAIN_INSTRUCTIONS, 4, &instructions, err))
        return -(int)err->code;
    return instruction >= 0 && instruction < instructions.count
               ? flat_element(&instructions, (uint32_t)instruction, out, err)
               : 0;
}

int pte_describe(const struct pte *pte, int64_t chain, int64_t instruction, struct pte_call *call,
                 struct err *err) {
    struct flat_table table, made;
    int64_t type;
    clear(&call->name);
    clear(&call->shapes);
    clear(&call->dtypes);
    if (find_instruction(pte, chain, instruction, &table, err) ||
        flat_number(&table, UNION_TYPE, 1, false, 0, &type, err) ||
        flat_table_of(&table, UNION_VALUE, &made, err))
        return -(int)err->code;
    if (type == IS_KERNEL_CALL)
        return describe_kernel(pte, &made, call, err);
    return type == IS_DELEGATE_CALL ? describe_delegate(pte, &made, call, err) : 0;
}
