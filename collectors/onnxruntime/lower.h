/* Exact lowering, worker side: the operators that ONNX Runtime really executes, with the shapes it
 * infers.
 *
 * The runtime optimises the model and saves the result, its weights going nowhere; the saved model
 * is opened once more without optimisation, and when it is shown to the hook it is written down
 * and the session given up. Nothing is executed.
 */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_LOWER_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_LOWER_H

#include "collectors/onnxruntime/host.h"

/* Loads the runtime and appends the graph of host->request as a frame (capture.h). */
int lower_in_host(struct host *host, struct strbuf *out, struct err *err);

#endif
