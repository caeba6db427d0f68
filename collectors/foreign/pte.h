/* What the instructions of an ExecuTorch program (.pte) call: the names that a trace of it
 * lacks. Layout by executorch's schema/program.fbs and its "eh00" extended header.
 */
#ifndef ASSAY_COLLECTORS_FOREIGN_PTE_H
#define ASSAY_COLLECTORS_FOREIGN_PTE_H

#include "base/file.h"
#include "base/strbuf.h"
#include "collectors/foreign/flatbuffer.h"

struct pte {
    struct file_map map;
    struct flatbuffer buffer;
    struct flat_table plan; /* "forward", or the first */
};

/* A call of an operator or a delegate; texts are valid until the next. */
struct pte_call {
    struct strbuf name;   /* "aten::add.out", "XnnpackBackend"; empty: no call */
    struct strbuf shapes; /* of inputs: "1x3 - 2"; empty: no tensors */
    struct strbuf dtypes;
};

/* ERR_INPUT when it is no program. The path is borrowed. */
int pte_open(struct pte *pte, const char *path, struct err *err);
void pte_close(struct pte *pte);

void pte_call_init(struct pte_call *call);
void pte_call_done(struct pte_call *call);
/* An instruction that the program does not have gives an empty name. */
int pte_describe(const struct pte *pte, int64_t chain, int64_t instruction, struct pte_call *call,
                 struct err *err);

#endif
