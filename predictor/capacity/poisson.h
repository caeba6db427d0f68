/* Poisson probabilities that keep their digits at large means, for real-valued counts too. */
#ifndef ASSAY_PREDICTOR_CAPACITY_POISSON_H
#define ASSAY_PREDICTOR_CAPACITY_POISSON_H

/* exp(-mean) mean^count / Gamma(count + 1) with count = mean + excess, by the saddle point form
 * (Loader, Fast and Accurate Computation of Binomial Probabilities, 2000): no cancellation between
 * large logarithms. The excess is an argument of its own so that callers who know it exactly do
 * not lose it in the difference. mean >= 0, mean + excess >= 0. */
double poisson_density(double mean, double excess);

#endif
