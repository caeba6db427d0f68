/* What a ScaledObject of KEDA asks: the `metadata` of its trigger, as names and texts. Every key of
 * the trigger arrives, scalerAddress too; those that are not ours are passed over. */
#ifndef ASSAY_SERVER_GRPC_SCALED_OBJECT_H
#define ASSAY_SERVER_GRPC_SCALED_OBJECT_H

#include "server/grpc/externalscaler.pb-c.h"
#include "server/grpc/status.h"
#include "server/scaler.h"

struct grpc_asked {
    struct scaler_question question;
    const char *metric_name; /* metadata metricName, or assay_desired_replicas */
};

/* Reads model (required), rate, sloP99Ms, routing and metricName; texts stay in `reference`.
 * INVALID_ARGUMENT names the key. `reference` may be NULL: an absent message. */
int grpc_asked_read(const Externalscaler__ScaledObjectRef *reference, struct grpc_asked *asked,
                    struct grpc_status *status);

#endif
