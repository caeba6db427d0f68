#include "models/onnx/rebatch.h"

#include "base/file.h"
#include "models/infer.h"
#include "models/onnx/batch.h"
#include "models/onnx/encode.h"
#include "models/onnx/fields.h"
#include "models/onnx/names.h"
#include "models/onnx/read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- what the batch is ----------------------------------------------------------------------- */

int model_batch(const struct model *model, int64_t *fixed, const char **symbol, struct err *err) {
    const struct graph *graph = model->graph;
    const struct tensor *first = NULL, *other = NULL;
    *fixed = 0;
    *symbol = NULL;
    for (uint32_t i = 0; i < graph->input_count && !*symbol; i++) {
        const struct tensor *input = &graph->tensors[graph->inputs[i]];
        if (input->rank <= 0)
            continue;
        if (input->dims[0].symbol != GRAPH_NO_SYMBOL)
            *symbol = graph->symbols[input->dims[0].symbol];
        else if (input->dims[0].size < 0)
            *symbol = "";
        else if (!first)
            first = input;
        else if (input->dims[0].size != first->dims[0].size && !other)
            other = input;
    }
    if (*symbol)
        return 0;
    if (!first)
        return err_set(err, ERR_INPUT, "%s: no input has a leading dimension", model->path);
    if (other)
        return err_set(err, ERR_INPUT,
                       "%s: inputs '%.100s' and '%.100s' have different leading dimensions, %lld "
                       "and %lld: no batch to change",
                       model->path, first->name, other->name, (long long)first->dims[0].size,
                       (long long)other->dims[0].size);
    *fixed = first->dims[0].size;
    return 0;
}

/* ---- the copy: pieces of the old file, and new ones ------------------------------------------ */

struct piece {
    const void *bytes;
    uint64_t length;
};

struct copy {
    struct arena *arena;
    const struct graph *graph;
    const struct batch_proof *proof;
    struct names tensors; /* name -> index */
    struct piece *pieces;
    uint32_t piece_count, piece_capacity;
    uint64_t length; /* of all pieces */
    struct err *err;
};

static void add_piece(struct copy *copy, const void *bytes, uint64_t length) {
    struct piece *piece =
        ARENA_PUSH(copy->arena, copy->pieces, copy->piece_count, copy->piece_capacity);
    *piece = (struct piece){bytes, length};
    copy->length += length;
}

static void add_encoded(struct copy *copy, struct encoder *encoder) {
    size_t length = encoder->bytes.length;
    add_piece(copy, arena_strndup(copy->arena, encoder->bytes.text, length), length);
    encoder_done(encoder);
}

static void add_old(struct copy *copy, const struct wire *walk, const struct wire_field *field) {
    add_piece(copy, walk->file + field->tag_offset, walk->at - field->tag_offset);
}

static void encode_old(struct encoder *encoder, const struct wire *walk,
                       const struct wire_field *field) {
    strbuf_add(&encoder->bytes, (const char *)walk->file + field->tag_offset,
               (size_t)(walk->at - field->tag_offset));
}

static const char *edit_name(const struct copy *copy, const struct batch_edit *edit) {
    return arena_printf(copy->arena, "assay_batch%lld_%d_%u", (long long)copy->proof->to, edit->op,
                        edit->input);
}

/* The constant of an edit: what takes the input's place, or the sizes it is expanded to. */
static const char *constant_name(const struct copy *copy, const struct batch_edit *edit) {
    const char *name = edit_name(copy, edit);
    return edit->spread ? arena_printf(copy->arena, "%s_sizes", name) : name;
}

/* A Constant operator, which every IR version takes (an initializer had to be an input once). */
static void add_constant(struct copy *copy, const struct batch_edit *edit) {
    const char *name = constant_name(copy, edit);
    struct encoder encoder;
    encoder_init(&encoder);
    struct encoder_message node = encode_begin(&encoder, ONNX_GRAPH_NODE);
    encode_text(&encoder, ONNX_NODE_OUTPUT, name);
    encode_text(&encoder, ONNX_NODE_NAME, name);
    encode_text(&encoder, ONNX_NODE_OP_TYPE, "Constant");
    struct encoder_message attribute = encode_begin(&encoder, ONNX_NODE_ATTRIBUTE);
    encode_text(&encoder, ONNX_ATTR_NAME, "value");
    encode_int(&encoder, ONNX_ATTR_TYPE, ONNX_ATTR_TYPE_TENSOR);
    struct encoder_message tensor = encode_begin(&encoder, ONNX_ATTR_T);
    encode_int(&encoder, ONNX_TENSOR_DIMS, edit->count);
    encode_int(&encoder, ONNX_TENSOR_DATA_TYPE, DTYPE_INT64);
    encode_bytes(&encoder, ONNX_TENSOR_RAW_DATA, edit->values, edit->count * sizeof(int64_t));
    encode_end(&encoder, tensor);
    encode_end(&encoder, attribute);
    encode_end(&encoder, node);
    add_encoded(copy, &encoder);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* The first edit of an operator at or after `op`: edits are in the order of operators. */
static uint32_t first_edit(const struct copy *copy, int32_t op) {
    uint32_t low = 0, high = copy->proof->edit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (copy->proof->edits[middle].op < op)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct batch_edit *find_edit(const struct copy *copy, int32_t op, uint32_t input) {
    const struct batch_proof *proof = copy->proof;
    for (uint32_t i = first_edit(copy, op); i < proof->edit_count && proof->edits[i].op == op; i++)
        if (proof->edits[i].input == input)
            return &proof->edits[i];
    return NULL;
}

static bool is_edited(const struct copy *copy, int32_t op) {
    uint32_t i = first_edit(copy, op);
    return i < copy->proof->edit_count && copy->proof->edits[i].op == op;
}

static const struct tensor *tensor_of(const struct copy *copy, const struct wire *walk,
                                      const struct wire_field *field) {
    struct wire_text name = {(const char *)walk->file + field->offset, (size_t)field->value};
    const int32_t *index = names_find(&copy->tensors, name);
    return index ? &copy->graph->tensors[*index] : NULL;
}

/* The operator a node became: the one that writes its first output. */
static int32_t op_of_node(const struct copy *copy, struct wire node) {
    struct wire_field field;
    while (wire_next_of(&node, ONNX_NODE_OUTPUT, "NodeProto.output", &field) > 0) {
        const struct tensor *tensor = tensor_of(copy, &node, &field);
        if (tensor)
            return tensor->producer;
    }
    return GRAPH_NONE;
}

/* An Expand before the operator that reads the expanded tensor. */
static void add_expand(struct copy *copy, const struct batch_edit *edit) {
    const struct op *op = &copy->graph->ops[edit->op];
    const char *name = edit_name(copy, edit);
    struct encoder encoder;
    encoder_init(&encoder);
    struct encoder_message node = encode_begin(&encoder, ONNX_GRAPH_NODE);
    encode_text(&encoder, ONNX_NODE_INPUT, copy->graph->tensors[op->inputs[edit->input]].name);
    encode_text(&encoder, ONNX_NODE_INPUT, constant_name(copy, edit));
    encode_text(&encoder, ONNX_NODE_OUTPUT, name);
    encode_text(&encoder, ONNX_NODE_NAME, name);
    encode_text(&encoder, ONNX_NODE_OP_TYPE, "Expand");
    encode_end(&encoder, node);
    add_encoded(copy, &encoder);
}

static void add_expands(struct copy *copy, int32_t op) {
    const struct batch_proof *proof = copy->proof;
    for (uint32_t i = first_edit(copy, op); i < proof->edit_count && proof->edits[i].op == op; i++)
        if (proof->edits[i].spread)
            add_expand(copy, &proof->edits[i]);
}

static int copy_node(struct copy *copy, const struct wire *walk, const struct wire_field *field) {
    struct wire body = wire_inside(walk, field);
    int32_t op = op_of_node(copy, body);
    if (op == GRAPH_NONE || !is_edited(copy, op)) {
        add_old(copy, walk, field);
        return 0;
    }
    struct encoder encoder;
    struct wire_field part;
    uint32_t input = 0;
    int more;
    add_expands(copy, op);
    encoder_init(&encoder);
    struct encoder_message node = encode_begin(&encoder, ONNX_GRAPH_NODE);
    while ((more = wire_next(&body, &part)) > 0) {
        const struct batch_edit *edit =
            part.number == ONNX_NODE_INPUT ? find_edit(copy, op, input++) : NULL;
        if (edit)
            encode_text(&encoder, ONNX_NODE_INPUT, edit_name(copy, edit));
        else
            encode_old(&encoder, &body, &part);
    }
    encode_end(&encoder, node);
    add_encoded(copy, &encoder);
    return more;
}

/* ---- inputs, outputs, value_info ------------------------------------------------------------- */

/* From ValueInfoProto down to the dimensions. */
static const uint32_t shape_path[] = {ONNX_VALUE_TYPE, ONNX_TYPE_TENSOR, ONNX_TYPE_TENSOR_SHAPE};

enum { SHAPE_PATH_LENGTH = sizeof shape_path / sizeof *shape_path };

static int encode_dims(struct encoder *encoder, struct wire shape, int32_t axis, int64_t size) {
    struct wire_field field;
    int32_t i = 0;
    int more;
    while ((more = wire_next(&shape, &field)) > 0) {
        if (field.number == ONNX_SHAPE_DIM && i++ == axis) {
            struct encoder_message dim = encode_begin(encoder, ONNX_SHAPE_DIM);
            encode_int(encoder, ONNX_DIM_VALUE, size);
            encode_end(encoder, dim);
        } else {
            encode_old(encoder, &shape, &field);
        }
    }
    return more;
}

static int encode_resized(struct encoder *encoder, struct wire message, int level, int32_t axis,
                          int64_t size) {
    struct wire_field field;
    int more;
    if (level == SHAPE_PATH_LENGTH)
        return encode_dims(encoder, message, axis, size);
    while ((more = wire_next(&message, &field)) > 0) {
        if (field.number != shape_path[level] || field.type != WIRE_BYTES) {
            encode_old(encoder, &message, &field);
            continue;
        }
        struct encoder_message inner = encode_begin(encoder, field.number);
        int code = encode_resized(encoder, wire_inside(&message, &field), level + 1, axis, size);
        encode_end(encoder, inner);
        if (code)
            return code;
    }
    return more;
}

static int copy_value(struct copy *copy, const struct wire *walk, const struct wire_field *field) {
    struct wire body = wire_inside(walk, field), names = body;
    struct wire_field name;
    int found = wire_next_of(&names, ONNX_VALUE_NAME, "ValueInfoProto.name", &name);
    if (found < 0)
        return found;
    const struct tensor *tensor = found ? tensor_of(copy, &names, &name) : NULL;
    const struct batch_state *state =
        tensor ? &copy->proof->states[tensor - copy->graph->tensors] : NULL;
    if (field->number == ONNX_GRAPH_VALUE_INFO) {
        if (state && state->kind == BATCH_FREE)
            add_old(copy, walk, field);
        return 0;
    }
    if (!state || state->kind != BATCH_AXIS) {
        add_old(copy, walk, field);
        return 0;
    }
    struct encoder encoder;
    encoder_init(&encoder);
    struct encoder_message value = encode_begin(&encoder, field->number);
    int code = encode_resized(&encoder, body, 0, state->axis,
                              state->outer * copy->proof->to * state->inner);
    encode_end(&encoder, value);
    add_encoded(copy, &encoder);
    return code;
}

/* ---- graph and model ------------------------------------------------------------------------- */

static int copy_graph(struct copy *copy, struct wire body) {
    struct wire_field field;
    int more;
    for (uint32_t i = 0; i < copy->proof->edit_count; i++)
        add_constant(copy, &copy->proof->edits[i]);
    while ((more = wire_next(&body, &field)) > 0) {
        int code = 0;
        if (field.number == ONNX_GRAPH_NODE)
            code = copy_node(copy, &body, &field);
        else if (field.number == ONNX_GRAPH_INPUT || field.number == ONNX_GRAPH_OUTPUT ||
                 field.number == ONNX_GRAPH_VALUE_INFO)
            code = copy_value(copy, &body, &field);
        else
            add_old(copy, &body, &field);
        if (code)
            return code;
    }
    return more;
}

/* Tag and length of the graph, whose length is known only now. */
static struct piece graph_header(struct copy *copy, uint64_t length) {
    unsigned char *bytes = arena_alloc(copy->arena, 11);
    uint64_t count = 0;
    bytes[count++] = ONNX_MODEL_GRAPH << 3 | WIRE_BYTES;
    for (; length >= 0x80; length >>= 7)
        bytes[count++] = (unsigned char)(length | 0x80);
    bytes[count++] = (unsigned char)length;
    return (struct piece){bytes, count};
}

static int copy_model(struct copy *copy, struct wire model) {
    struct wire_field field;
    int more;
    while ((more = wire_next(&model, &field)) > 0) {
        if (field.number == ONNX_MODEL_FUNCTIONS && copy->proof->edit_count)
            return err_set(copy->err, ERR_INPUT,
                           "the model has functions of its own and constants that spell the batch "
                           "out: the batch cannot be changed");
        if (field.number != ONNX_MODEL_GRAPH) {
            add_old(copy, &model, &field);
            continue;
        }
        uint32_t header = copy->piece_count;
        add_piece(copy, NULL, 0);
        uint64_t before = copy->length;
        int code = copy_graph(copy, wire_inside(&model, &field));
        if (code)
            return code;
        copy->pieces[header] = graph_header(copy, copy->length - before);
    }
    return more;
}

static int write_pieces(const struct copy *copy, int fd) {
    for (uint32_t i = 0; i < copy->piece_count; i++) {
        const unsigned char *bytes = copy->pieces[i].bytes;
        for (uint64_t left = copy->pieces[i].length; left;) {
            ssize_t written = write(fd, bytes, left > INT_MAX ? INT_MAX : (size_t)left);
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return -1;
            bytes += written;
            left -= (uint64_t)written;
        }
    }
    return fsync(fd);
}

static int write_copy(const struct copy *copy, const char *out_path) {
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.tmp", out_path, (long)getpid()) >=
        (int)sizeof temporary)
        return err_set(copy->err, ERR_INPUT, "%s: path too long", out_path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_set_errno(copy->err, ERR_ENVIRONMENT, "%s: cannot be written", out_path);
    if (write_pieces(copy, fd) != 0)
        err_set_errno(copy->err, ERR_ENVIRONMENT, "%s: cannot be written", out_path);
    close(fd);
    if (copy->err->code == ERR_OK && rename(temporary, out_path) != 0)
        err_set_errno(copy->err, ERR_ENVIRONMENT, "%s: cannot be replaced", out_path);
    if (copy->err->code != ERR_OK)
        unlink(temporary);
    return -(int)copy->err->code;
}

static int rebatch_mapped(struct arena *arena, const struct file_map *map, const char *path,
                          int64_t batch, const char *out_path, struct err *err) {
    struct model again = {.path = path};
    int64_t fixed;
    const char *symbol;
    int code = onnx_read_bytes(arena, map->bytes, map->size, path, &again.graph, err);
    if (!code)
        code = model_batch(&again, &fixed, &symbol, err);
    if (code)
        return code;
    if (symbol) {
        err_set(err, ERR_INPUT, "%s: the batch is symbolic, '%.100s'", path, symbol);
        return err_hint(err, "bind it with --dim %.100s=%lld", symbol[0] ? symbol : "NAME",
                        (long long)batch);
    }
    struct batch_proof proof;
    code = fixed > 0 ? infer_shapes(again.graph, err)
                     : err_set(err, ERR_INPUT, "the leading dimension is 0");
    if (!code)
        code = batch_prove(arena, again.graph, fixed, batch, &proof, err);
    if (code)
        return err_prefix(err, "%s", path);
    struct copy copy = {.arena = arena,
                        .graph = again.graph,
                        .proof = &proof,
                        .tensors = {.arena = arena},
                        .err = err};
    for (uint32_t t = 0; t < again.graph->tensor_count; t++) {
        const char *name = again.graph->tensors[t].name;
        names_add(&copy.tensors, (struct wire_text){name, strlen(name)}, (int32_t)t);
    }
    code = copy_model(&copy, wire_open(map->bytes, map->size, err));
    return code ? err_prefix(err, "%s", path) : write_copy(&copy, out_path);
}

int onnx_rebatch(const struct model *model, int64_t batch, const char *out_path, struct err *err) {
    if (batch < 1)
        return err_set(err, ERR_USAGE, "a batch of %lld: expected 1 or more", (long long)batch);
    struct file_map map;
    int code = file_map_open(&map, model->path, err);
    if (code)
        return code;
    struct arena arena;
    arena_init(&arena);
    code = rebatch_mapped(&arena, &map, model->path, batch, out_path, err);
    arena_done(&arena);
    file_map_close(&map);
    return code;
}
