#include "reports/estimate_json.h"

#include <math.h>

struct json_estimate report_estimate(const struct estimate *estimate) {
    return (struct json_estimate){estimate->value, estimate->low, estimate->high,
                                  tier_name(estimate->tier),
                                  estimate->evidence ? estimate->evidence : ""};
}

cJSON *report_add_estimate(cJSON *parent, const char *key, const struct estimate *estimate) {
    if (estimate->tier == TIER_REFUSED || isnan(estimate->value)) {
        json_add_null(parent, key);
        return NULL;
    }
    struct json_estimate json = report_estimate(estimate);
    return json_add_estimate(parent, key, &json);
}
