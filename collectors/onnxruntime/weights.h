/* Weight files for models that came without theirs: seeded values, or holes that read as zeros.
 *
 * The program makes them, not the worker: what the worker measures is then what the runtime does
 * with a real file. (Handed over from memory, the runtime copies the weights: half a gigabyte of
 * VGG-11 raised the peak by 600 MB.) Files with values go to /dev/shm, which is memory; when that
 * is too small, and for holes, to the folder for temporary files. */
#ifndef ASSAY_COLLECTORS_ONNXRUNTIME_WEIGHTS_H
#define ASSAY_COLLECTORS_ONNXRUNTIME_WEIGHTS_H

#include "collectors/collector.h"
#include "collectors/onnxruntime/scratch.h"

/* Makes the files of config->slots in a folder of their own; scratch_close() removes them. Nothing
 * is made (path NULL) when the config's weights come from files or there are no slots. ERR_INPUT
 * when a slot cannot hold its tensor, ERR_ENVIRONMENT when there is no room. */
int weights_open(struct scratch *place, struct arena *arena, const struct collect_config *config,
                 struct err *err);

#endif
