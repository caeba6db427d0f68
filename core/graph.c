#include "core/graph.h"

#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

/* ---- building -------------------------------------------------------------------------------- */

struct graph *graph_new(struct arena *arena, const char *name) {
    struct graph *graph = ARENA_NEW(arena, struct graph);
    graph->arena = arena;
    graph->name = arena_strdup(arena, name);
    graph->producer = "";
    return graph;
}

int32_t graph_add_tensor(struct graph *graph, const char *name, enum dtype dtype) {
    struct tensor *tensor =
        ARENA_PUSH(graph->arena, graph->tensors, graph->tensor_count, graph->tensor_capacity);
    tensor->name = arena_strdup(graph->arena, name);
    tensor->dtype = dtype;
    tensor->rank = GRAPH_RANK_UNKNOWN;
    tensor->producer = tensor->outer = GRAPH_NONE;
    return (int32_t)graph->tensor_count - 1;
}

void graph_set_shape(struct graph *graph, int32_t tensor, int32_t rank, const int64_t *sizes) {
    struct tensor *t = &graph->tensors[tensor];
    t->rank = rank;
    t->dims = rank > 0 ? ARENA_ARRAY(graph->arena, (size_t)rank, struct dim) : NULL;
    for (int32_t i = 0; i < rank; i++)
        t->dims[i] = (struct dim){sizes[i], GRAPH_NO_SYMBOL};
}

int32_t graph_add_op(struct graph *graph, const char *name, const char *type, const char *domain) {
    struct op *op = ARENA_PUSH(graph->arena, graph->ops, graph->op_count, graph->op_capacity);
    op->name = arena_strdup(graph->arena, name);
    op->type = arena_strdup(graph->arena, type);
    op->domain = arena_strdup(graph->arena, domain);
    return (int32_t)graph->op_count - 1;
}

static int32_t *copy_list(struct graph *graph, uint32_t count, const int32_t *tensors) {
    int32_t *copy = ARENA_ARRAY(graph->arena, count, int32_t);
    if (count)
        memcpy(copy, tensors, count * sizeof *copy);
    return copy;
}

void graph_set_inputs(struct graph *graph, int32_t op, uint32_t count, const int32_t *tensors) {
    graph->ops[op].inputs = copy_list(graph, count, tensors);
    graph->ops[op].input_count = count;
}

void graph_set_outputs(struct graph *graph, int32_t op, uint32_t count, const int32_t *tensors) {
    graph->ops[op].outputs = copy_list(graph, count, tensors);
    graph->ops[op].output_count = count;
    for (uint32_t i = 0; i < count; i++)
        if (tensors[i] != GRAPH_NONE)
            graph->tensors[tensors[i]].producer = op;
}

struct attribute *graph_add_attribute(struct graph *graph, int32_t op, const char *name,
                                      enum attribute_kind kind) {
    struct op *o = &graph->ops[op];
    o->attributes = arena_grow(graph->arena, o->attributes, o->attribute_count,
                               o->attribute_count + 1, sizeof *o->attributes);
    struct attribute *attribute = &o->attributes[o->attribute_count++];
    attribute->name = arena_strdup(graph->arena, name);
    attribute->kind = kind;
    return attribute;
}

void graph_set_int(struct graph *graph, int32_t op, const char *name, int64_t value) {
    graph_add_attribute(graph, op, name, ATTRIBUTE_INT)->i = value;
}

void graph_set_float(struct graph *graph, int32_t op, const char *name, float value) {
    graph_add_attribute(graph, op, name, ATTRIBUTE_FLOAT)->f = value;
}

void graph_set_string(struct graph *graph, int32_t op, const char *name, const char *value) {
    graph_add_attribute(graph, op, name, ATTRIBUTE_STRING)->s = arena_strdup(graph->arena, value);
}

void graph_set_ints(struct graph *graph, int32_t op, const char *name, uint32_t count,
                    const int64_t *values) {
    struct attribute *attribute = graph_add_attribute(graph, op, name, ATTRIBUTE_INTS);
    attribute->count = count;
    attribute->ints = arena_grow(graph->arena, values, count, count, sizeof *values);
}

void graph_add_opset(struct graph *graph, const char *domain, int64_t version) {
    struct opset *opset =
        ARENA_PUSH(graph->arena, graph->opsets, graph->opset_count, graph->opset_capacity);
    *opset = (struct opset){arena_strdup(graph->arena, domain), version};
}

/* Readers may have set a list that has no room. */
static int32_t *append(struct graph *graph, int32_t *list, uint32_t count, uint32_t *capacity,
                       int32_t tensor) {
    if (count >= *capacity) {
        *capacity = 2 * count + 8;
        list = arena_grow(graph->arena, list, count, *capacity, sizeof *list);
    }
    list[count] = tensor;
    return list;
}

void graph_add_input(struct graph *graph, int32_t tensor) {
    graph->inputs =
        append(graph, graph->inputs, graph->input_count++, &graph->input_capacity, tensor);
    graph->tensors[tensor].flags |= TENSOR_INPUT;
}

void graph_add_output(struct graph *graph, int32_t tensor) {
    graph->outputs =
        append(graph, graph->outputs, graph->output_count++, &graph->output_capacity, tensor);
    graph->tensors[tensor].flags |= TENSOR_OUTPUT;
}

struct symbol_place {
    struct ordered_node by_name;
    const char *name;
    int32_t index;
};

static int by_name(const struct ordered_node *a, const struct ordered_node *b) {
    return strcmp(((const struct symbol_place *)a)->name, ((const struct symbol_place *)b)->name);
}

static int32_t find_symbol(const struct graph *graph, const char *name) {
    const struct symbol_place key = {.name = name};
    const struct symbol_place *found =
        (const struct symbol_place *)ordered_at_least(&graph->symbols_by_name, &key.by_name);
    return found && strcmp(found->name, name) == 0 ? found->index : GRAPH_NO_SYMBOL;
}

/* Readers append to the list themselves. */
static void place_symbols(struct graph *graph) {
    graph->symbols_by_name.compare = by_name;
    for (; graph->symbols_placed < graph->symbol_count; graph->symbols_placed++) {
        const char *name = graph->symbols[graph->symbols_placed];
        if (find_symbol(graph, name) != GRAPH_NO_SYMBOL)
            continue;
        struct symbol_place *place = ARENA_NEW(graph->arena, struct symbol_place);
        *place = (struct symbol_place){.name = name, .index = (int32_t)graph->symbols_placed};
        ordered_add(&graph->symbols_by_name, &place->by_name);
    }
}

int32_t graph_symbol(struct graph *graph, const char *name) {
    place_symbols(graph);
    int32_t known = find_symbol(graph, name);
    if (known != GRAPH_NO_SYMBOL)
        return known;
    const char **symbol =
        ARENA_PUSH(graph->arena, graph->symbols, graph->symbol_count, graph->symbol_capacity);
    *symbol = arena_strdup(graph->arena, name);
    return (int32_t)graph->symbol_count - 1;
}

/* ---- asking ---------------------------------------------------------------------------------- */

int32_t graph_find_tensor(const struct graph *graph, const char *name) {
    for (uint32_t i = 0; i < graph->tensor_count; i++)
        if (strcmp(graph->tensors[i].name, name) == 0)
            return (int32_t)i;
    return GRAPH_NONE;
}

int64_t graph_opset_version(const struct graph *graph, const char *domain) {
    for (; graph; graph = graph->parent)
        for (uint32_t i = 0; i < graph->opset_count; i++)
            if (strcmp(graph->opsets[i].domain, domain) == 0)
                return graph->opsets[i].version;
    return 0;
}

const struct attribute *op_attribute(const struct op *op, const char *name) {
    for (uint32_t i = 0; i < op->attribute_count; i++)
        if (strcmp(op->attributes[i].name, name) == 0)
            return &op->attributes[i];
    return NULL;
}

int64_t op_int(const struct op *op, const char *name, int64_t absent) {
    const struct attribute *attribute = op_attribute(op, name);
    return attribute && attribute->kind == ATTRIBUTE_INT ? attribute->i : absent;
}

float op_float(const struct op *op, const char *name, float absent) {
    const struct attribute *attribute = op_attribute(op, name);
    return attribute && attribute->kind == ATTRIBUTE_FLOAT ? attribute->f : absent;
}

const char *op_string(const struct op *op, const char *name, const char *absent) {
    const struct attribute *attribute = op_attribute(op, name);
    return attribute && attribute->kind == ATTRIBUTE_STRING ? attribute->s : absent;
}

bool op_is(const struct op *op, const char *domain, const char *type) {
    return strcmp(op->type, type) == 0 && strcmp(op->domain, domain) == 0;
}

static const struct tensor *tensor_at(const struct graph *graph, const int32_t *list,
                                      uint32_t count, uint32_t i) {
    return i < count && list[i] != GRAPH_NONE ? &graph->tensors[list[i]] : NULL;
}

const struct tensor *op_input(const struct graph *graph, const struct op *op, uint32_t i) {
    return tensor_at(graph, op->inputs, op->input_count, i);
}

const struct tensor *op_output(const struct graph *graph, const struct op *op, uint32_t i) {
    return tensor_at(graph, op->outputs, op->output_count, i);
}

bool tensor_is_static(const struct tensor *tensor) {
    if (tensor->rank == GRAPH_RANK_UNKNOWN)
        return false;
    for (int32_t i = 0; i < tensor->rank; i++)
        if (tensor->dims[i].size < 0)
            return false;
    return true;
}

int64_t tensor_elements(const struct tensor *tensor) {
    if (!tensor_is_static(tensor))
        return -1;
    int64_t product = 1;
    for (int32_t i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(product, tensor->dims[i].size, &product) ||
            product > (INT64_C(1) << 62))
            return -1;
    return product;
}

int64_t tensor_size_from_end(const struct tensor *tensor, int32_t i) {
    int32_t axis = tensor->rank - 1 - i;
    return axis >= 0 ? tensor->dims[axis].size : 1;
}

uint64_t tensor_bytes(const struct tensor *tensor) {
    int64_t elements = tensor_elements(tensor);
    bool known = elements >= 0 && (double)elements * dtype_element_bytes(tensor->dtype) < 0x1p62;
    return known ? dtype_bytes(tensor->dtype, (uint64_t)elements) : 0;
}

const char *tensor_shape_text(struct arena *arena, const struct graph *graph,
                              const struct tensor *tensor) {
    if (tensor->rank == GRAPH_RANK_UNKNOWN)
        return "?";
    if (tensor->rank == 0)
        return "scalar";
    struct strbuf text;
    strbuf_init(&text);
    for (int32_t i = 0; i < tensor->rank; i++) {
        const struct dim *dim = &tensor->dims[i];
        if (i)
            strbuf_puts(&text, "x");
        if (dim->size >= 0)
            strbuf_printf(&text, "%lld", (long long)dim->size);
        else
            strbuf_puts(&text, dim->symbol == GRAPH_NO_SYMBOL ? "?" : graph->symbols[dim->symbol]);
    }
    char *result = arena_strdup(arena, text.text);
    strbuf_done(&text);
    return result;
}

/* ---- whole-graph walks ----------------------------------------------------------------------- */

static uint32_t bind_own(struct graph *graph, const char *name, int64_t size) {
    uint32_t bound = 0;
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        struct tensor *tensor = &graph->tensors[t];
        for (int32_t i = 0; i < tensor->rank; i++) {
            int32_t symbol = tensor->dims[i].symbol;
            if (symbol != GRAPH_NO_SYMBOL && strcmp(graph->symbols[symbol], name) == 0) {
                tensor->dims[i].size = size;
                bound++;
            }
        }
    }
    return bound;
}

uint32_t graph_bind_symbol(struct graph *graph, const char *name, int64_t size) {
    uint32_t bound = bind_own(graph, name, size);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                bound += graph_bind_symbol(graph->ops[i].attributes[a].graph, name, size);
    return bound;
}

static void bind_own_symbols(struct graph *graph, const int64_t *sizes) {
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        struct tensor *tensor = &graph->tensors[t];
        for (int32_t i = 0; i < tensor->rank; i++) {
            int32_t symbol = tensor->dims[i].symbol;
            if (symbol != GRAPH_NO_SYMBOL && sizes[symbol] >= 0)
                tensor->dims[i].size = sizes[symbol];
        }
    }
}

void graph_bind_symbols(struct graph *graph, int64_t (*size_of)(const void *context, const char *),
                        const void *context) {
    int64_t *sizes = ARENA_ARRAY(graph->arena, graph->symbol_count, int64_t);
    for (uint32_t s = 0; s < graph->symbol_count; s++)
        sizes[s] = size_of(context, graph->symbols[s]);
    bind_own_symbols(graph, sizes);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                graph_bind_symbols(graph->ops[i].attributes[a].graph, size_of, context);
}

/* What a file claims may be any number: a sum that cannot be told is the largest one. */
static uint64_t plus(uint64_t a, uint64_t b) {
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t sum_subgraphs(const struct graph *graph, uint64_t (*own)(const struct graph *)) {
    uint64_t sum = own(graph);
    for (uint32_t i = 0; i < graph->op_count; i++)
        for (uint32_t a = 0; a < graph->ops[i].attribute_count; a++)
            if (graph->ops[i].attributes[a].kind == ATTRIBUTE_GRAPH)
                sum = plus(sum, sum_subgraphs(graph->ops[i].attributes[a].graph, own));
    return sum;
}

static uint64_t own_parameters(const struct graph *graph) {
    uint64_t sum = 0;
    for (uint32_t t = 0; t < graph->tensor_count; t++) {
        int64_t elements = tensor_elements(&graph->tensors[t]);
        if (graph->tensors[t].flags & TENSOR_INITIALIZER && elements > 0)
            sum = plus(sum, (uint64_t)elements);
    }
    return sum;
}

static uint64_t own_weight_bytes(const struct graph *graph) {
    uint64_t sum = 0;
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        if (graph->tensors[t].flags & TENSOR_INITIALIZER)
            sum = plus(sum, tensor_bytes(&graph->tensors[t]));
    return sum;
}

static uint64_t own_op_count(const struct graph *graph) {
    return graph->op_count;
}

static uint64_t own_tensor_count(const struct graph *graph) {
    return graph->tensor_count;
}

uint64_t graph_parameters(const struct graph *graph) {
    return sum_subgraphs(graph, own_parameters);
}

uint64_t graph_weight_bytes(const struct graph *graph) {
    return sum_subgraphs(graph, own_weight_bytes);
}

uint64_t graph_op_count(const struct graph *graph) {
    return sum_subgraphs(graph, own_op_count);
}

uint64_t graph_tensor_count(const struct graph *graph) {
    return sum_subgraphs(graph, own_tensor_count);
}

/* ---- topological order ----------------------------------------------------------------------- */

static int find_producers(struct graph *graph, struct err *err) {
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        graph->tensors[t].producer = GRAPH_NONE;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        const struct op *op = &graph->ops[i];
        for (uint32_t k = 0; k < op->output_count; k++) {
            if (op->outputs[k] == GRAPH_NONE)
                continue;
            struct tensor *tensor = &graph->tensors[op->outputs[k]];
            if (tensor->producer != GRAPH_NONE ||
                tensor->flags & (TENSOR_INPUT | TENSOR_INITIALIZER))
                return err_set(err, ERR_INPUT, "tensor '%s' is written twice, again by %s '%s'",
                               tensor->name, op->type, op->name);
            tensor->producer = (int32_t)i;
        }
    }
    return 0;
}

/* The tensors an operator waits for: its inputs, and what its subgraphs take from this graph. */
static uint32_t list_reads(const struct graph *graph, const struct op *op, int32_t *reads) {
    uint32_t count = 0;
    for (uint32_t k = 0; k < op->input_count; k++)
        if (op->inputs[k] != GRAPH_NONE) {
            if (reads)
                reads[count] = op->inputs[k];
            count++;
        }
    for (uint32_t a = 0; a < op->attribute_count; a++) {
        if (op->attributes[a].kind != ATTRIBUTE_GRAPH)
            continue;
        const struct graph *inner = op->attributes[a].graph;
        for (uint32_t t = 0; t < inner->tensor_count; t++)
            if (inner->tensors[t].flags & TENSOR_OUTER && inner->parent == graph) {
                if (reads)
                    reads[count] = inner->tensors[t].outer;
                count++;
            }
    }
    return count;
}

struct sorting {
    struct arena *arena; /* until it is sorted */
    struct graph *graph;
    uint32_t *waiting;    /* reads not yet written, per operator */
    uint32_t *readers_of; /* start of each tensor's readers in `readers`; tensor_count + 1 */
    uint32_t *readers;
};

static void count_reads(struct sorting *s) {
    struct graph *graph = s->graph;
    uint32_t total = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        total += list_reads(graph, &graph->ops[i], NULL);
    int32_t *reads = ARENA_ARRAY(s->arena, total + 1u, int32_t);
    uint32_t *op_of = ARENA_ARRAY(s->arena, total + 1u, uint32_t);
    uint32_t n = 0;
    for (uint32_t i = 0; i < graph->op_count; i++) {
        uint32_t own = list_reads(graph, &graph->ops[i], reads + n);
        for (uint32_t k = 0; k < own; k++, n++) {
            op_of[n] = i;
            if (graph->tensors[reads[n]].producer == GRAPH_NONE)
                continue;
            s->waiting[i]++;
            s->readers_of[reads[n] + 1]++;
        }
    }
    for (uint32_t t = 0; t < graph->tensor_count; t++)
        s->readers_of[t + 1] += s->readers_of[t];
    s->readers = ARENA_ARRAY(s->arena, s->readers_of[graph->tensor_count] + 1u, uint32_t);
    uint32_t *fill = arena_grow(s->arena, s->readers_of, graph->tensor_count + 1u,
                                graph->tensor_count + 1u, sizeof *fill);
    for (uint32_t k = 0; k < n; k++)
        if (graph->tensors[reads[k]].producer != GRAPH_NONE)
            s->readers[fill[reads[k]]++] = op_of[k];
}

/* A binary heap of operator numbers keeps the order of the file wherever it is free to. */
static void heap_push(uint32_t *heap, uint32_t *count, uint32_t value) {
    uint32_t i = (*count)++;
    for (; i > 0 && heap[(i - 1) / 2] > value; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = value;
}

static uint32_t heap_pop(uint32_t *heap, uint32_t *count) {
    uint32_t top = heap[0], last = heap[--*count], i = 0;
    for (uint32_t child; (child = 2 * i + 1) < *count; i = child) {
        if (child + 1 < *count && heap[child + 1] < heap[child])
            child++;
        if (heap[child] >= last)
            break;
        heap[i] = heap[child];
    }
    heap[i] = last;
    return top;
}

static void release_readers(struct sorting *s, const struct op *op, uint32_t *heap,
                            uint32_t *ready) {
    for (uint32_t k = 0; k < op->output_count; k++) {
        if (op->outputs[k] == GRAPH_NONE)
            continue;
        for (uint32_t r = s->readers_of[op->outputs[k]]; r < s->readers_of[op->outputs[k] + 1]; r++)
            if (--s->waiting[s->readers[r]] == 0)
                heap_push(heap, ready, s->readers[r]);
    }
}

/* How many could be put. */
static uint32_t put_in_order(struct sorting *s, struct op *sorted) {
    const struct graph *graph = s->graph;
    uint32_t *heap = ARENA_ARRAY(s->arena, graph->op_count + 1u, uint32_t);
    uint32_t ready = 0, done = 0;
    for (uint32_t i = 0; i < graph->op_count; i++)
        if (s->waiting[i] == 0)
            heap_push(heap, &ready, i);
    while (ready) {
        uint32_t i = heap_pop(heap, &ready);
        sorted[done++] = graph->ops[i];
        release_readers(s, &graph->ops[i], heap, &ready);
    }
    return done;
}

static int sort_operators(struct arena *scratch, struct graph *graph, struct err *err) {
    struct sorting s = {scratch, graph, ARENA_ARRAY(scratch, graph->op_count + 1u, uint32_t),
                        ARENA_ARRAY(scratch, graph->tensor_count + 2u, uint32_t), NULL};
    count_reads(&s);
    struct op *sorted = ARENA_ARRAY(scratch, graph->op_count + 1u, struct op);
    uint32_t done = put_in_order(&s, sorted);
    for (uint32_t i = 0; done < graph->op_count && i < graph->op_count; i++)
        if (s.waiting[i])
            return err_set(err, ERR_INPUT,
                           "operator %s '%s' is part of a cycle: it waits for its own output",
                           graph->ops[i].type, graph->ops[i].name);
    if (done)
        memcpy(graph->ops, sorted, done * sizeof *sorted);
    return 0;
}

int graph_sort(struct graph *graph, struct err *err) {
    if (find_producers(graph, err))
        return -(int)err->code;
    struct arena scratch;
    arena_init(&scratch);
    int code = sort_operators(&scratch, graph, err);
    arena_done(&scratch);
    return code ? code : find_producers(graph, err);
}
