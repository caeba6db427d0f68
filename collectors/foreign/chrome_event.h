/* One event of Chrome's trace format ("Trace Event Format", Google, 2016), as Kineto and ONNX
 * Runtime write it: an object with ph, name, cat, pid, tid, ts and dur in microseconds, args. */
#ifndef ASSAY_COLLECTORS_FOREIGN_CHROME_EVENT_H
#define ASSAY_COLLECTORS_FOREIGN_CHROME_EVENT_H

#include "base/json_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CHROME_NAME_BYTES = 4096, /* longer ones are cut */
    CHROME_WORD_BYTES = 256,
    CHROME_SHAPES_BYTES = 2048,
    CHROME_NUMBERS_MAX = 16,
};

/* A number of args, as it is written. */
struct chrome_number {
    char key[64], text[40];
};

/* Texts are "" where the event has none. */
struct chrome_event {
    uint64_t offset; /* of its brace */
    char phase;      /* 'X', 'M', ...; NUL: it has none */
    char name[CHROME_NAME_BYTES];
    char category[CHROME_WORD_BYTES], pid[CHROME_WORD_BYTES], tid[CHROME_WORD_BYTES];
    char id[CHROME_WORD_BYTES];
    bool has_ts, has_dur;  /* and are times that can be held */
    int64_t ts_ns, dur_ns; /* exact to the nanosecond */
    const char *bad_time;  /* what is wrong with them; NULL: nothing */
    /* Of args. */
    char label[CHROME_WORD_BYTES];    /* "name", of metadata */
    char op_name[CHROME_WORD_BYTES];  /* "op_name", of ONNX Runtime */
    bool has_shapes;                  /* "Input Dims", "Input dims", "input_type_shape" */
    char shapes[CHROME_SHAPES_BYTES]; /* as in struct span */
    char dtypes[CHROME_SHAPES_BYTES]; /* "Input type", blanks inside a name as '_' */
    uint64_t correlation;             /* 0: none */
    struct chrome_number numbers[CHROME_NUMBERS_MAX]; /* the first ones */
    uint32_t number_count;
};

/* Reads the event whose JSON_OBJECT (or, after json_resync, first JSON_KEY) is the present token,
 * to its end. False: the stream is JSON_BAD or JSON_CUT before that. Negative errors are in err. */
bool chrome_event_read(struct json_stream *json, struct chrome_event *event, struct err *err);

/* Microseconds in decimals to nanoseconds, rounded to the nearest; false when it is no number or
 * beyond what can be held. */
bool chrome_time_ns(const char *text, int64_t *ns);

#endif
