#include "predictor/capacity/mip.h"

#include <coin/Cbc_C_Interface.h>
#include <math.h>
#include <stdio.h>

static void set_limits(Cbc_Model *model, double cutoff, double seconds) {
    char text[32];
    Cbc_setLogLevel(model, 0);
    Cbc_setParameter(model, "slogLevel", "0");
    snprintf(text, sizeof text, "%.3f", seconds);
    Cbc_setParameter(model, "seconds", text);
    Cbc_setParameter(model, "timeMode", "elapsed");
    Cbc_setParameter(model, "ratioGap", "0");
    Cbc_setParameter(model, "allowableGap", "1e-9");
    if (isfinite(cutoff))
        Cbc_setCutoff(model, cutoff);
}

struct mip_answer mip_solve(const struct mip *mip, double cutoff, double seconds, double *values) {
    struct mip_answer answer = {.cost = INFINITY, .bound = -INFINITY};
    Cbc_Model *model = Cbc_newModel();
    Cbc_loadProblem(model, mip->columns, mip->rows, mip->starts, mip->row_of, mip->entries, NULL,
                    mip->upper, mip->costs, mip->row_lower, mip->row_upper);
    for (int i = 0; i < mip->columns; i++)
        Cbc_setInteger(model, i);
    set_limits(model, cutoff, seconds);
    Cbc_solve(model);
    const double *best = Cbc_bestSolution(model);
    answer.infeasible = Cbc_isProvenInfeasible(model) != 0;
    answer.optimal = Cbc_isProvenOptimal(model) != 0;
    answer.bound = Cbc_getBestPossibleObjValue(model);
    if (best && !answer.infeasible) {
        answer.found = true;
        answer.cost = 0;
        for (int i = 0; i < mip->columns; i++) {
            values[i] = round(best[i]);
            answer.cost += values[i] * mip->costs[i];
        }
    }
    Cbc_deleteModel(model);
    return answer;
}
