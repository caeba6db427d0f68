/* Matrix products, attention and recurrent layers. GEMM walks panels of 12 rows by 32 columns and
 * slices of the depth; the right-hand matrix is packed ahead when it is constant and on
 * every call when it is not. */
#include "core/kernel_cycles.h"
#include "core/mask.h"
#include "core/op_kind.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct product {
    double matrices; /* independent products */
    double m, n, k;
    bool constant; /* the right-hand matrix is a weight */
    bool turned;   /* it is not, and comes transposed */
};

/* The right-hand matrix: input 1; input 3 where a scale and a zero point stand behind each. */
static const struct tensor *right_of(const struct op_view *view) {
    bool scaled =
        strcmp(view->op->type, "QLinearMatMul") == 0 || strcmp(view->op->type, "QGemm") == 0;
    return scaled ? op_input(view->graph, view->op, 3) : view->in1;
}

static struct product product_of(const struct op_view *view) {
    const struct tensor *a = view->in0, *b = right_of(view);
    struct product p = {.matrices = 1, .m = 1, .n = 1, .k = 1};
    if (!a || !b || a->rank < 1 || b->rank < 1)
        return p;
    bool swapped_a = op_int(view->op, "transA", 0) != 0,
         swapped_b = op_int(view->op, "transB", 0) != 0;
    p.constant = b->flags & (TENSOR_INITIALIZER | TENSOR_CONSTANT);
    p.k = a->rank == 1 ? view_size(a, 0) : view_size(a, a->rank - (swapped_a ? 2 : 1));
    p.n = b->rank == 1 ? 1 : view_size(b, b->rank - (swapped_b ? 2 : 1));
    p.turned = swapped_b && !p.constant;
    if (b->rank > 2 && a->rank > 1 && view->out0) {
        p.m = view_size(view->out0,
                        view->out0->rank - 2); /* "transBatch" may have moved the others */
        p.n = view_size(view->out0, view->out0->rank - 1);
        p.matrices = fmax(view->out_elements / (p.m * p.n), 1);
    } else if (b->rank > 2) { /* a vector with each of a batch */
        p.matrices = fmax(view->out_elements / p.n, 1);
    } else { /* one shared right-hand matrix: all rows of the left one form a single product */
        p.m = fmax(view->out_elements / p.n, 1);
    }
    return p;
}

double matmul_flops(const struct op_view *view) {
    struct product p = product_of(view);
    return 2 * view->out_elements * p.k;
}

double gemm_flops(const struct op_view *view) {
    return matmul_flops(view);
}

double matmul_nbits_flops(const struct op_view *view) {
    return 2 * view->in_elements * (double)op_int(view->op, "N", 1);
}

/* Input [batch, sequence, hidden], weights [hidden, 3 x hidden]: the projections when they are part
 * of the operator, then scores and context, 2 x 2 x sequence x keys x hidden. */
double attention_flops(const struct op_view *view) {
    const struct tensor *x = view->in0;
    double batch = view_size(x, 0), sequence = view_size(x, 1), hidden = view_size(x, 2);
    bool projects = view->op->domain[0] != '\0' && strstr(view->op->type, "Multi") == NULL &&
                    strstr(view->op->type, "Group") == NULL;
    double keys = sequence;
    if (!projects && view->in1 && view->in1->rank >= 3)
        keys = view_size(view->in1, 1);
    double projections = projects ? 2 * batch * sequence * hidden * view_size(view->in1, 1) : 0;
    return projections + 4 * batch * sequence * keys * hidden;
}

/* Letters of an Einstein sum: what each spans, and how often it stands left of the arrow. */
struct einsum_letters {
    double size[128];
    int uses[128];
};

/* Reads one operand's letters; "..." takes the axes that the letters leave. Returns its end. */
static const char *read_operand(const struct tensor *tensor, const char *c,
                                struct einsum_letters *letters) {
    const char *end = c + strcspn(c, ",-");
    int32_t named = 0, axis = 0;
    for (const char *p = c; p < end; p++)
        named += isalpha((unsigned char)*p) != 0;
    for (; c < end; c++) {
        if (isalpha((unsigned char)*c)) {
            double size = view_size(tensor, axis++);
            letters->size[(int)*c] = fmax(letters->size[(int)*c], size);
            letters->uses[(int)*c]++;
        } else if (*c == '.' && c[1] != '.') { /* the last of the three */
            axis += tensor && tensor->rank > named ? tensor->rank - named : 0;
        }
    }
    return end;
}

/* Outputs times the product of the summed dimensions: letters that stand left of the arrow only, or
 * more than once where there is no arrow. */
double einsum_flops(const struct op_view *view) {
    const char *c = op_string(view->op, "equation", ""), *arrow = strstr(c, "->");
    struct einsum_letters letters = {{0}, {0}};
    for (uint32_t input = 0; input < view->op->input_count; input++) {
        c = read_operand(op_input(view->graph, view->op, input), c, &letters);
        if (*c != ',')
            break;
        c++;
    }
    double work = view->out_elements;
    for (int letter = 0; letter < 128; letter++) {
        bool kept = arrow ? strchr(arrow + 2, letter) != NULL : letters.uses[letter] == 1;
        if (letters.uses[letter] && !kept)
            work *= letters.size[letter];
    }
    return 2 * work;
}

static void describe_matvec(const struct product *p, struct features *out) {
    double *t = out->terms;
    out->family = FAMILY_MATVEC;
    snprintf(out->key, sizeof out->key, p->constant ? "matvec.weights" : "matvec.batched");
    t[1] = out->flops;
    t[2] = out->bytes_in;
    t[3] = out->bytes_out;
    t[4] = out->bytes_weights;
    out->division = division_products(p->matrices, p->m, p->n, p->k);
}

static const char *matmul_key(const struct op_view *view, const struct product *p) {
    static const char *const plain[] = {
        "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "FusedMatMulActivation", "TransposeMatMul"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(view->op->type, plain[i]) == 0)
            return p->constant ? "matmul.weights" : "matmul.batched";
    return view->op->type;
}

void matmul_describe(const struct op_view *view, struct features *out) {
    struct product p = product_of(view);
    const char *key = matmul_key(view, &p);
    if (p.m <= 1 && strncmp(key, "matmul.", 7) == 0) {
        describe_matvec(&p, out);
        return;
    }
    double *t = out->terms;
    snprintf(out->key, sizeof out->key, "%s", key);
    struct kernel_cycles cycles = gemm_cycles(view->block, p.m, p.n, p.k);
    struct gemm_passes passes = gemm_passes(p.n, p.k, p.constant);
    t[1] = p.matrices * cycles.busy;
    t[2] = p.matrices * cycles.waits;
    t[3] = p.constant ? 4 * p.k * p.n * p.matrices : 0;
    t[4] = p.constant ? 0 : 4 * p.k * p.n * p.matrices;
    t[5] = 4 * p.matrices * p.m * p.k * passes.left;
    t[6] = 4 * view->out_elements * passes.sums;
    t[7] = p.matrices;
    t[9] = p.turned ? t[4] : 0;
    /* The weights of barred pairs, each with a row of the right-hand matrix. */
    double heads =
        view->in0 && view->in0->rank >= 3 ? view_size(view->in0, view->in0->rank - 3) : 1;
    t[8] = barred_windows(view->graph, view->in0) * heads * p.m * p.k * p.n;
    out->division = division_products(p.matrices, p.m, p.n, p.k);
}

/* ---- recurrent layers: input [steps, batch, width], W [directions, gates x hidden, width],
 *      R [directions, gates x hidden, hidden] ------------------------------------------------- */

static double elements_of(const struct op_view *view, uint32_t input) {
    bool guessed = false;
    return view_elements(op_input(view->graph, view->op, input), &guessed);
}

static double passes_of(const struct op_view *view) {
    return 2 * view_size(view->in0, 0) * view_size(view->in0, 1);
}

double recurrent_flops(const struct op_view *view) {
    return passes_of(view) * (elements_of(view, 1) + elements_of(view, 2));
}

static double weight_element_bytes(const struct op_view *view) {
    const struct dtype_info *info = view->in1 ? dtype_info(view->in1->dtype) : NULL;
    return info && info->bits ? info->bits / 8.0 : 4;
}

/* Sequences of a batch go to threads of their own unless there are few, and long ones; then each
 * step is a product that is cut. */
static struct division divide_recurrent(double steps, double batch, double gates, double hidden,
                                        double directions) {
    struct division division = division_pieces(batch);
    if (!(batch > 4 || (batch >= 2 && hidden <= 256))) {
        division = division_products(1, batch, gates, hidden);
        division.forks = steps;
    }
    division.forks = directions * (division.forks + 1);
    return division;
}

/* The input of all steps is one product; then each step, one direction after the other, multiplies
 * the state: it passes over R again, and fetches what the caches cannot hold. */
void recurrent_describe(const struct op_view *view, struct features *out) {
    const struct tensor *r = op_input(view->graph, view->op, 2);
    double steps = view_size(view->in0, 0), batch = view_size(view->in0, 1);
    double directions = view_size(view->in1, 0);
    double hidden = (double)op_int(view->op, "hidden_size", (int64_t)view_size(r, 2));
    double gates = elements_of(view, 2) / fmax(directions * hidden, 1);
    double width = elements_of(view, 1) / fmax(directions * gates, 1);
    struct kernel_cycles input = gemm_cycles(view->block, steps * batch, gates, width);
    struct kernel_cycles step = gemm_cycles(view->block, batch, gates, hidden);
    double step_bytes = weight_element_bytes(view) * gates * hidden, all_steps = steps * directions;
    double *t = out->terms;
    t[1] = directions * input.busy + all_steps * step.busy;
    t[2] = directions * input.waits + all_steps * step.waits;
    t[3] = all_steps * step_bytes;
    t[4] = all_steps;
    t[5] = all_steps * step_bytes * reuse_far_share(step_bytes, view->cache_bytes);
    t[6] = all_steps * batch * gates;
    out->division = divide_recurrent(steps, batch, gates, hidden, directions);
}
