/* Records of a CSV text (RFC 4180) in pieces: quoted cells with commas, line ends and doubled
 * quotes, LF or CR LF, a byte order mark. The first record is the header, and all others have as
 * many cells. Memory is one record. */
#ifndef ASSAY_COLLECTORS_FOREIGN_CSV_H
#define ASSAY_COLLECTORS_FOREIGN_CSV_H

#include "base/strbuf.h"
#include "collectors/foreign/foreign.h"

enum { CSV_RECORD_BYTES_MAX = 1 << 20, CSV_CELLS_MAX = 4096 };

struct csv_record {
    uint64_t line; /* where it starts, from 1 */
    uint32_t count;
    const char *const *cells; /* UTF-8; valid until the callback returns */
};

/* Not 0 ends the reading. */
typedef int csv_record_fn(void *context, const struct csv_record *record, struct err *err);

struct csv {
    const char *path; /* for messages */
    csv_record_fn *visit;
    void *context;
    uint64_t records;             /* handed over, the header too */
    uint64_t line, start_line;    /* now, and where the record starts */
    uint64_t offset, whole_bytes; /* now, and behind the last whole record */
    uint32_t width, count;        /* cells of the header, of this record so far */
    uint32_t state, mark;         /* bytes of the byte order mark that were seen */
    bool quoted;                  /* a cell of this record was: a line with "" is no empty line */
    struct strbuf text;
    size_t *starts;     /* CSV_CELLS_MAX, into text */
    const char **cells; /* CSV_CELLS_MAX */
};

void csv_init(struct csv *csv, const char *path, csv_record_fn *visit, void *context);
/* ERR_INPUT names the line: a stray quote, too few or many cells, a NUL byte, no UTF-8, a limit. */
int csv_add(struct csv *csv, const char *bytes, size_t length, struct err *err);
/* The last record may have no line end. *cut says why it is not whole, NULL: it is. */
int csv_end(struct csv *csv, const char **cut, struct err *err);
void csv_done(struct csv *csv);

/* All records of `in`; fills what the outcome says of an early end. */
int csv_read(const char *path, struct inflated *in, csv_record_fn *visit, void *context,
             struct foreign_outcome *out, struct err *err);

/* The place of a column in a header, -1: there is none. */
int csv_column(const struct csv_record *header, const char *name);

/* The whole cell is a finite decimal number. */
bool csv_number(const char *cell, double *value);

#endif
