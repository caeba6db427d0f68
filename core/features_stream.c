/* Operators whose work is passing over tensors: elementwise, moving, per row. What costs beside the
 * bytes is how often a run of contiguous elements ends. */
#include "core/mask.h"
#include "core/op_kind.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Elements over which every input is either wholly there or wholly broadcast. */
static double broadcast_run(const struct op_view *view) {
    const struct tensor *out = view->out0;
    double run = 1;
    enum reach { OPEN, FULL, REPEATED } state[4] = {OPEN, OPEN, OPEN, OPEN};
    for (int32_t i = 0; out && i < out->rank; i++) {
        int64_t size = tensor_size_from_end(out, i);
        if (size == 1)
            continue;
        for (uint32_t k = 0; k < view->op->input_count && k < 4; k++) {
            const struct tensor *in = op_input(view->graph, view->op, k);
            if (!in || in->rank < 0 || tensor_elements(in) == 1)
                continue;
            enum reach now = tensor_size_from_end(in, i) == size ? FULL : REPEATED;
            if (state[k] != OPEN && state[k] != now)
                return run;
            state[k] = now;
        }
        run *= (double)(size > 0 ? size : 1);
    }
    return run;
}

static double trailing_elements(const struct tensor *tensor, int32_t first) {
    double product = 1;
    for (int32_t i = first; tensor && i < tensor->rank; i++)
        product *= fmax((double)tensor->dims[i].size, 1);
    return product;
}

/* Elements that share a scale and lie together, where scales stand along an axis; 0: one scale. */
static double scale_run(const struct op_view *view) {
    bool scales = strcmp(view->op->type, "QuantizeLinear") == 0 ||
                  strcmp(view->op->type, "DequantizeLinear") == 0;
    if (!scales || !view->in0 || view->in0->rank < 1 || !view->in1 ||
        tensor_elements(view->in1) == 1)
        return 0;
    int64_t axis = op_int(view->op, "axis", 1);
    double run = 1;
    for (int64_t i = (axis < 0 ? axis + view->in0->rank : axis) + 1; i < view->in0->rank; i++)
        run *= fmax((double)view->in0->dims[i].size, 1);
    return run;
}

static bool is_cast(const struct op *op) {
    return strncmp(op->type, "Cast", 4) == 0;
}

void elementwise_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms, run = scale_run(view);
    if (run > 0)
        snprintf(out->key, sizeof out->key, "%s.axis", view->op->type);
    else if (is_cast(view->op) && view->out0)
        snprintf(out->key, sizeof out->key, "Cast.%s", dtype_name(view->out0->dtype));
    t[1] = view->largest_elements;
    t[2] = out->bytes_in + out->bytes_weights;
    t[3] = out->bytes_out;
    if (strcmp(view->op->type, "BatchNormalization") == 0) {
        run = trailing_elements(view->in0, 2);
        if (run == 1)
            snprintf(out->key, sizeof out->key, "BatchNormalization.rows");
    }
    t[4] = view->out_elements / fmax(run > 0 ? run : broadcast_run(view), 1);
    out->division = stream_division(view, out);
}

/* ---- moving ---------------------------------------------------------------------------------- */

/* Trailing elements that stay together under a permutation. Axes of one element do not count: to
 * move only those is to copy. */
static double transpose_run(const struct op_view *view) {
    const struct attribute *perm = op_attribute(view->op, "perm");
    const struct tensor *in = view->in0;
    double run = 1;
    if (!in || in->rank < 1 || !perm || perm->kind != ATTRIBUTE_INTS ||
        perm->count != (uint32_t)in->rank)
        return run;
    int32_t from = in->rank - 1;
    for (int32_t to = in->rank - 1; to >= 0; to--) {
        int64_t axis = perm->ints[to];
        if (axis < 0 || axis >= in->rank)
            return run;
        if (in->dims[axis].size == 1)
            continue;
        while (from > 0 && in->dims[from].size == 1)
            from--;
        if (axis != from)
            return run;
        run *= fmax((double)in->dims[axis].size, 1);
        from--;
    }
    return run;
}

/* A permutation that moves one axis and keeps the order of the others: the runtime has loops of its
 * own for that. It looks at the permutation alone, axes of one element count. */
struct one_axis {
    bool moved, outwards;
    int64_t first, last; /* axes from and to which it goes, in the order of the input */
};

static struct one_axis one_axis_of(const struct op_view *view) {
    const struct attribute *perm = op_attribute(view->op, "perm");
    struct one_axis a = {0};
    if (!perm || perm->kind != ATTRIBUTE_INTS || perm->count == 0)
        return a;
    a.last = (int64_t)perm->count - 1;
    while (a.first <= a.last && perm->ints[a.first] == a.first)
        a.first++;
    while (a.last >= a.first && perm->ints[a.last] == a.last)
        a.last--;
    bool inwards = true; /* the first goes to the end, or the last to the front */
    a.outwards = true;
    for (int64_t i = a.first; i <= a.last; i++) {
        inwards = inwards && perm->ints[i] == (i == a.last ? a.first : i + 1);
        a.outwards = a.outwards && perm->ints[i] == (i == a.first ? a.last : i - 1);
    }
    a.moved = inwards || a.outwards;
    return a;
}

/* Trailing sizes that input and output share, and one more for the axis that differs when the
 * smaller is a contiguous part of the larger. */
static double common_run(const struct tensor *a, const struct tensor *b) {
    double run = 1;
    if (!a || !b || a->rank < 0 || b->rank < 0)
        return run;
    for (int32_t i = 0; i < a->rank && i < b->rank; i++) {
        int64_t x = tensor_size_from_end(a, i), y = tensor_size_from_end(b, i);
        run *= fmax((double)(x < y ? x : y), 1);
        if (x != y)
            break;
    }
    return run;
}

static double gather_run(const struct op_view *view) {
    const struct tensor *in = view->in0;
    int64_t axis = op_int(view->op, "axis", 0);
    double run = 1;
    if (!in || in->rank < 0 || axis < -in->rank)
        return run;
    for (int64_t i = (axis < 0 ? axis + in->rank : axis) + 1; i < in->rank; i++)
        run *= fmax((double)in->dims[i].size, 1);
    return run;
}

enum move_form { MOVE_COMMON, MOVE_TRANSPOSE, MOVE_GATHER, MOVE_ELEMENT, MOVE_JOIN, MOVE_PART };

static enum move_form form_of(const char *type) {
    static const struct {
        const char *type;
        enum move_form form;
    } forms[] = {
        {"Transpose",       MOVE_TRANSPOSE},
        {"Gather",          MOVE_GATHER   },
        {"GatherElements",  MOVE_ELEMENT  },
        {"ScatterElements", MOVE_ELEMENT  },
        {"Resize",          MOVE_ELEMENT  },
        {"Upsample",        MOVE_ELEMENT  },
        {"GridSample",      MOVE_ELEMENT  },
        {"NonZero",         MOVE_ELEMENT  },
        {"Concat",          MOVE_JOIN     },
        {"Split",           MOVE_PART     },
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(forms[i].type, type) == 0)
            return forms[i].form;
    return MOVE_COMMON;
}

static double move_run(const struct op_view *view, enum move_form form) {
    switch (form) {
    case MOVE_TRANSPOSE:
        return transpose_run(view);
    case MOVE_GATHER:
        return gather_run(view);
    case MOVE_ELEMENT:
        return 1;
    case MOVE_COMMON:
    case MOVE_JOIN:
    case MOVE_PART:
        break;
    }
    return common_run(view->in0, view->out0);
}

/* Writes more than it reads: every element, one by one, when the last axis is repeated. */
static bool repeats(const struct op_view *view) {
    return view->out_elements > view->in_elements;
}

/* Along one axis blocks of the size of a word are moved as words, others are copied. */
static const char *transpose_form(const struct op_view *view, double run) {
    double bytes = view->in0 ? run * dtype_element_bytes(view->in0->dtype) : 0;
    if (run > 1 && (bytes == 2 || bytes == 4 || bytes == 8) && one_axis_of(view).moved)
        return "word";
    return run > 1 ? "block" : "strided";
}

static void move_key(const struct op_view *view, enum move_form form, double run,
                     struct features *out) {
    const char *mode = op_string(view->op, "mode", "");
    bool blocked = strcmp(view->op->domain, "com.microsoft.nchwc") == 0;
    if (form == MOVE_TRANSPOSE)
        snprintf(out->key, sizeof out->key, "Transpose%s.%s",
                 one_axis_of(view).moved ? ".axis" : "", transpose_form(view, run));
    else if (form == MOVE_ELEMENT && mode[0])
        snprintf(out->key, sizeof out->key, "%s.%.16s", view->op->type, mode);
    else if (blocked)
        snprintf(out->key, sizeof out->key, "nchwc.%s", view->op->type);
    else if (form == MOVE_COMMON && run == 1 && repeats(view))
        snprintf(out->key, sizeof out->key, "%s.elements", view->op->type);
}

/* Elements that are written one after the other a stride apart, again and again. */
struct streams {
    double count, stride_bytes;
};

/* Only its ways are kept of what falls into one set of a cache: with strides of powers of two that
 * are few sets, so of a cache that could hold all streams little is used. */
static const double first_level_bytes = 48 << 10, first_level_ways = 12, second_level_ways = 16;
enum { LINE_BYTES = 64 };

static double common_divisor(double a, double b) {
    while (b >= 1) {
        double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

static bool crowds(const struct streams *streams, double cache_bytes, double ways) {
    double way_bytes = exp2(floor(log2(fmax(cache_bytes / ways, LINE_BYTES))));
    double step = fmax(common_divisor(way_bytes, fmax(streams->stride_bytes, 1)), LINE_BYTES);
    return streams->count > ways * way_bytes / step;
}

/* Moving one axis transposes a matrix of the axes that change places, four rows by four columns at
 * once and down the rows of the input: again and again, unless a row is a part of a line. Another
 * permutation writes down the columns of its output. */
static struct streams streams_of_transpose(const struct op_view *view) {
    const struct tensor *in = view->in0, *out = view->out0;
    const struct one_axis axis = one_axis_of(view);
    if (!in || !out || in->rank < 1 || out->rank < 1)
        return (struct streams){0, 1};
    if (!axis.moved || axis.first >= axis.last || axis.last >= in->rank)
        return (struct streams){(double)tensor_size_from_end(in, 0),
                                4 * (double)tensor_size_from_end(out, 0)};
    double columns = trailing_elements(in, (int32_t)(axis.outwards ? axis.last : axis.first + 1));
    double rows = trailing_elements(in, (int32_t)axis.first) / columns;
    return (struct streams){4 * columns < LINE_BYTES ? 0 : rows, 4 * columns};
}

/* Channels are put into blocks from one plane each, and taken out into one each. */
static struct streams streams_of(const struct op_view *view, enum move_form form, double run) {
    const struct tensor *in = view->in0;
    bool reorders = strncmp(view->op->type, "Reorder", 7) == 0 && in && in->rank == 4;
    if (form == MOVE_TRANSPOSE && run == 1)
        return streams_of_transpose(view);
    if (reorders)
        return (struct streams){view->block,
                                4 * (double)in->dims[2].size * (double)in->dims[3].size};
    return (struct streams){0, 1};
}

/* What is moved in one piece. */
struct blocks {
    double count, short_elements; /* those in blocks of less than a vector */
};

static void add_blocks(struct blocks *blocks, double elements, double run) {
    blocks->count += elements / run;
    blocks->short_elements += run < 16 ? elements : 0;
}

/* What is joined, or parted, has blocks of its own size from each piece. */
static struct blocks blocks_of(const struct op_view *view, enum move_form form, double run,
                               double moved) {
    struct blocks blocks = {0};
    bool joins = form == MOVE_JOIN, guessed = false;
    uint32_t pieces = joins ? view->op->input_count : view->op->output_count;
    if (!joins && form != MOVE_PART) {
        add_blocks(&blocks, moved, run);
        return blocks;
    }
    for (uint32_t i = 0; i < pieces; i++) {
        const struct tensor *piece =
            joins ? op_input(view->graph, view->op, i) : op_output(view->graph, view->op, i);
        add_blocks(&blocks, view_elements(piece, &guessed),
                   fmax(common_run(piece, joins ? view->out0 : view->in0), 1));
    }
    return blocks;
}

/* Words of four bytes or less are moved by the transposition of a matrix, for each of the axes in
 * front: its rows go to threads. Longer blocks are copied element by element where their axis goes
 * outwards; everything else is done by one thread. */
static struct division divide_transpose(const struct op_view *view, double run) {
    const struct one_axis axis = one_axis_of(view);
    double bytes = view->in0 ? dtype_element_bytes(view->in0->dtype) : 0;
    if (!axis.moved || run >= view->in_elements || axis.last >= view->in0->rank)
        return (struct division){0};
    if (run * bytes > 4)
        return axis.outwards
                   ? division_by_cost(view->in_elements, division_stream_cycles(2 * bytes, 1))
                   : (struct division){0};
    double inner = trailing_elements(view->in0, (int32_t)axis.first) / run;
    double moved = fmax((double)view->in0->dims[axis.outwards ? axis.last : axis.first].size, 1);
    struct division division = division_pieces(axis.outwards ? inner / moved : moved);
    division.forks = view->in_elements / run / fmax(inner, 1);
    return division;
}

/* Bytes of the rows of a picture that are brought to the width of the result and kept, from which
 * its columns are then computed. */
static double widened_bytes(const struct op_view *view) {
    const struct tensor *in = view->in0, *out = view->out0;
    if (!in || !out || in->rank != 4 || out->rank != 4)
        return 4 * view->in_elements;
    return 4 * view->in_elements / fmax((double)tensor_size_from_end(in, 0), 1) *
           fmax((double)tensor_size_from_end(out, 0), 1);
}

static bool is_cubic(const struct op_view *view) {
    return strcmp(op_string(view->op, "mode", ""), "cubic") == 0;
}

void move_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    enum move_form form = form_of(view->op->type);
    double run = fmax(move_run(view, form), 1);
    double moved = form == MOVE_GATHER || view->out_elements < view->in_elements
                       ? view->out_elements
                       : fmax(view->in_elements, view->out_elements);
    move_key(view, form, run, out);
    /* What is read is what is written, however large the table it comes from. */
    t[1] = form == MOVE_ELEMENT && is_cubic(view)
               ? widened_bytes(view)
               : fmin(out->bytes_in + out->bytes_weights, out->bytes_out);
    t[2] = out->bytes_out;
    const struct blocks blocks = blocks_of(view, form, run, moved);
    t[3] = blocks.count;
    t[4] = blocks.short_elements;
    const struct streams streams = streams_of(view, form, run);
    t[5] = crowds(&streams, first_level_bytes, first_level_ways) ? moved : 0;
    t[6] = crowds(&streams, view->cache_bytes, second_level_ways) ? moved : 0;
    out->division =
        form == MOVE_TRANSPOSE ? divide_transpose(view, run) : stream_division(view, out);
}

/* ---- views ------------------------------------------------------------------------------------
 */

/* Of one operator by itself readers are counted when they are asked for. */
static uint32_t readers_of(const struct op_view *view, int32_t tensor) {
    const struct graph *graph = view->graph;
    uint32_t readers = 0;
    if (view->readers)
        return view->readers[tensor];
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t k = 0; k < graph->ops[i].input_count; k++)
            readers += graph->ops[i].inputs[k] == tensor;
    return readers;
}

/* A view takes its input's memory over when nobody else needs it; else it is a copy. */
void metadata_describe(const struct op_view *view, struct features *out) {
    if (!view->in0 || !view->out0 || view->out_elements != view->in_elements)
        return;
    bool kept = view->in0->producer == GRAPH_NONE || view->in0->flags & TENSOR_OUTPUT ||
                view->out0->flags & TENSOR_OUTPUT;
    if (kept || readers_of(view, view->op->inputs[0]) > 1)
        out->terms[1] = out->bytes_out;
}

static void masked_key(const struct op_view *view, struct features *out) {
    const struct mask mask = mask_on(view->graph, view->op);
    if (mask.tensor)
        snprintf(out->key, sizeof out->key, "Softmax.%s",
                 mask_leaves_denormals(&mask) ? "windows" : "masked");
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Where a row begins, and whether it spans all axes from there or that one alone: layers are
 * normalised from `axis` on, pictures channel by channel. */
static bool spans_rest(const char *type, int64_t *first) {
    bool picture = strcmp(type, "InstanceNormalization") == 0 || strncmp(type, "GroupNorm", 9) == 0;
    *first = picture ? 2 : -1;
    return picture || strstr(type, "LayerNormalization") || strcmp(type, "RMSNormalization") == 0;
}

/* Reductions keep fewer elements; the others have a row per normalised axis. */
static double rows_of(const struct op_view *view) {
    if (view->out_elements < view->in_elements)
        return view->out_elements;
    const struct tensor *in = view->in0;
    if (!in || in->rank < 1)
        return 1;
    int64_t absent;
    bool rest = spans_rest(view->op->type, &absent);
    int64_t axis = op_int(view->op, "axis", absent);
    if (axis < 0)
        axis += in->rank;
    double size = 1;
    for (int64_t i = axis; i >= 0 && i < in->rank && (rest || i == axis); i++)
        size *= fmax((double)in->dims[i].size, 1);
    return view->in_elements / size;
}

/* True when the last axis is kept, so that a row's elements lie apart. */
static bool reduces_outer(const struct op_view *view) {
    const struct tensor *in = view->in0, *out = view->out0;
    return in && out && in->rank > 0 && out->rank > 0 && view->out_elements < view->in_elements &&
           tensor_size_from_end(in, 0) > 1 &&
           tensor_size_from_end(in, 0) == tensor_size_from_end(out, 0);
}

/* Along an axis whose elements lie apart: the runtime transposes there and back, changing that axis
 * and the last one. How many axes are between them; 0: the elements lie together. */
static int64_t axes_apart(const struct op_view *view) {
    const struct tensor *in = view->in0;
    bool softmax =
        strcmp(view->op->type, "Softmax") == 0 || strcmp(view->op->type, "LogSoftmax") == 0;
    if (!softmax || !in || in->rank < 1)
        return 0;
    int64_t axis = op_int(view->op, "axis", -1);
    if (axis < 0)
        axis += in->rank;
    if (axis < 0 || axis >= in->rank || trailing_elements(in, (int32_t)axis + 1) <= 1)
        return 0;
    return in->rank - 1 - axis;
}

/* Nothing but single elements stands before the first axis that is reduced: one sum of rows, not
 * one for each of a batch. */
static bool leads_alone(const struct op_view *view) {
    const struct tensor *in = view->in0, *out = view->out0;
    int32_t axis = 0;
    while (axis < in->rank && in->dims[axis].size == 1)
        axis++;
    return axis >= in->rank || axis >= out->rank || out->dims[axis].size != in->dims[axis].size;
}

void rows_describe(const struct op_view *view, struct features *out) {
    double *t = out->terms;
    bool outer = reduces_outer(view);
    if (view->out_elements < view->in_elements)
        snprintf(out->key, sizeof out->key, "%s.%s%s", view->op->type, outer ? "outer" : "inner",
                 outer && leads_alone(view) ? ".one" : "");
    if (strcmp(view->op->type, "Softmax") == 0)
        masked_key(view, out);
    if (axes_apart(view))
        snprintf(out->key, sizeof out->key, "%s.%s", view->op->type,
                 axes_apart(view) == 1 ? "axis" : "swapped");
    t[1] = view->in_elements;
    t[2] = out->bytes_out;
    t[3] = rows_of(view);
    t[4] = outer ? view->in_elements : 0;
    out->division = stream_division(view, out);
}
