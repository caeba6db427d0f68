#include "predictor/capacity/poisson.h"

#include <math.h>

/* ln(n!) - its Stirling approximation: (n + 1/2) ln n - n + ln(2 pi) / 2. */
static double stirling_error(double n) {
    int sign; /* lgamma keeps it in a variable that all threads share */
    if (n < 16)
        return lgamma_r(n + 1, &sign) - (n + 0.5) * log(n) + n - 0.5 * log(2 * M_PI);
    double s = 1 / (n * n);
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - s / 1188) * s) * s) * s) / n;
}

/* t - ln(1 + t), t > -1; `ratio` is 1 + t without the rounding of the sum. */
static double log_deficit(double t, double ratio) {
    if (fabs(t) > 0.1)
        return t - log(ratio);
    /* ln(1 + t) = 2 atanh(v), v = t / (2 + t); t - 2 v = t v. */
    double v = t / (2 + t), square = v * v, power = v * square, sum = 0;
    for (int i = 3; i < 21; i += 2) {
        sum += power / i;
        power *= square;
    }
    return t * v - 2 * sum;
}

double poisson_density(double mean, double excess) {
    double count = mean + excess;
    if (mean <= 0)
        return count <= 0 ? 1 : 0;
    if (count < 1e-300)
        return exp(-mean);
    double deviance = count * log_deficit(-excess / count, mean / count);
    return exp(-deviance - stirling_error(count)) / sqrt(2 * M_PI * count);
}
