/* An engine that tells Assay what it runs (docs/hooks.md): two dense layers, three requests. */
#include <assay_hooks.h>

enum { WIDTH = 256 };
static float weights[2][WIDTH][WIDTH], values[3][WIDTH];

static void layer(int l, uint32_t dense, uint32_t relu) {
    const int64_t x[] = {1, WIDTH}, w[] = {WIDTH, WIDTH};
    const assay_hooks_tensor inputs[] = {
        {ASSAY_HOOKS_FLOAT32, 2, x},
        {ASSAY_HOOKS_FLOAT32, 2, w}
    };
    assay_hooks_begin(dense, inputs, 2);
    for (int o = 0; o < WIDTH; o++)
        for (int i = 0; i < WIDTH; i++)
            values[l + 1][o] += weights[l][o][i] * values[l][i];
    assay_hooks_end();
    assay_hooks_begin(relu, inputs, 1);
    for (int o = 0; o < WIDTH; o++)
        values[l + 1][o] *= values[l + 1][o] > 0;
    assay_hooks_end();
}

int main(void) {
    uint32_t request = assay_hooks_kind(ASSAY_HOOKS_ANNOTATION, "request", "engine");
    uint32_t dense = assay_hooks_kind(ASSAY_HOOKS_OPERATOR, "Dense", "engine");
    uint32_t relu = assay_hooks_kind(ASSAY_HOOKS_OPERATOR, "Relu", "engine");
    for (int i = 0; i < 3; i++) {
        assay_hooks_begin(request, 0, 0);
        layer(0, dense, relu), layer(1, dense, relu);
        assay_hooks_end();
    }
}
