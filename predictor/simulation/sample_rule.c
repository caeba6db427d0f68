#include "predictor/simulation/sample_rule.h"

#include <math.h>
#include <stdbool.h>

/* P(Binomial(n, p) <= most) <= 1 %. */
static bool is_confident(uint64_t n, double p, uint32_t most) {
    double term = exp((double)n * log1p(-p)), sum = term;
    for (uint32_t k = 0; k < most; k++) {
        term *= (double)(n - k) / (k + 1) * p / (1 - p);
        sum += term;
    }
    return sum <= 0.01;
}

uint64_t sample_rule_count(double q, uint32_t over) {
    double p = 1 - q;
    uint64_t fails = over, passes = over + 1;
    while (!is_confident(passes, p, over)) {
        fails = passes;
        passes *= 2;
    }
    while (passes - fails > 1) {
        uint64_t middle = fails + (passes - fails) / 2;
        if (is_confident(middle, p, over))
            passes = middle;
        else
            fails = middle;
    }
    return passes;
}

uint64_t sample_rule_least(double q) {
    return sample_rule_count(q, 1);
}
