#include "collectors/foreign/chrome_event.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- time ------------------------------------------------------------------------------------ */

/* Past this, more digits would not fit. */
static const int64_t most_us = INT64_C(4000000000000000);

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Three digits of the fraction, and one to round by. */
static const char *fraction_ns(const char *at, int64_t *ns) {
    static const int64_t places[] = {100, 10, 1};
    *ns = 0;
    for (size_t i = 0; is_digit(*at); at++, i++) {
        if (i < 3)
            *ns += (*at - '0') * places[i];
        else if (i == 3)
            *ns += *at >= '5';
    }
    return at;
}

/* With an exponent. */
static bool float_ns(const char *text, int64_t *ns) {
    char *end;
    double us = strtod(text, &end);
    if (*end || !(fabs(us) < (double)most_us))
        return false;
    *ns = (int64_t)llround(us * 1e3);
    return true;
}

bool chrome_time_ns(const char *text, int64_t *ns) {
    const char *at = text + (*text == '-');
    int64_t us = 0, fraction = 0;
    if (!is_digit(*at))
        return false;
    for (; is_digit(*at); at++) {
        us = us * 10 + (*at - '0');
        if (us > most_us)
            return float_ns(text, ns);
    }
    if (*at == '.')
        at = fraction_ns(at + 1, &fraction);
    if (*at)
        return float_ns(text, ns);
    *ns = us * 1000 + fraction;
    if (*text == '-')
        *ns = -*ns;
    return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, const struct json_stream *json) {
    size_t length = json->length < size ? json->length : size - 1;
    memcpy(to, json->text, length);
    to[length] = '\0';
}

static bool is_text(const struct json_stream *json) {
    return json->token == JSON_STRING || json->token == JSON_NUMBER;
}

/* Appends what fits. */
static void append(char *to, size_t *length, const char *text) {
    size_t count = strlen(text), room = CHROME_SHAPES_BYTES - 1 - *length;
    if (count > room)
        count = room;
    memcpy(to + *length, text, count);
    *length += count;
    to[*length] = '\0';
}

/* A word that holds its place in a list: never empty, no blank inside. */
static void append_word(char *to, size_t *length, const char *word) {
    size_t from = *length;
    append(to, length, *word ? word : "-");
    for (size_t i = from; i < *length; i++)
        if (to[i] == ' ')
            to[i] = '_';
}

static int next(struct json_stream *json, struct err *err) {
    json_next(json, err);
    return json->token != JSON_BAD && json->token != JSON_CUT && !err->code;
}

/* ---- args that tell of tensors --------------------------------------------------------------- */

/* Within the list: a bracket opens a tensor's dims, or a list of tensors. */
static bool take_dims(struct json_stream *json, struct chrome_event *event, struct err *err) {
    unsigned list = json->depth;
    size_t length = 0;
    bool first = true, empty = true;
    event->has_shapes = true;
    event->shapes[0] = '\0';
    if (json->token != JSON_ARRAY)
        return json_skip(json, err) == 0;
    while (next(json, err) && json->depth >= list) {
        bool input = json->depth == list + (json->token == JSON_ARRAY);
        if (input && json->token != JSON_ARRAY_END) {
            append(event->shapes, &length, first ? "" : " ");
            first = false;
            empty = true;
            if (json->token != JSON_ARRAY)
                append(event->shapes, &length, "-");
        } else if (json->token == JSON_ARRAY_END && json->depth == list && empty) {
            append(event->shapes, &length, "-");
        } else if (json->token == JSON_ARRAY && !empty) {
            append(event->shapes, &length, ",");
            empty = true;
        } else if (json->token == JSON_NUMBER || json->token == JSON_STRING) {
            append(event->shapes, &length, empty ? "" : "x");
            append_word(event->shapes, &length, json->text);
            empty = false;
        }
    }
    return json->token == JSON_ARRAY_END;
}

static bool take_types(struct json_stream *json, struct chrome_event *event, struct err *err) {
    unsigned list = json->depth;
    size_t length = 0;
    if (json->token != JSON_ARRAY)
        return json_skip(json, err) == 0;
    event->dtypes[0] = '\0';
    while (next(json, err) && json->depth >= list) {
        append(event->dtypes, &length, length ? " " : "");
        if (is_text(json))
            append_word(event->dtypes, &length, json->text);
        else if (json_skip(json, err) == 0)
            append_word(event->dtypes, &length, "-");
    }
    return json->token == JSON_ARRAY_END;
}

/* Of ONNX Runtime: [{"float":[1,3,224,224]},{"int64":[2]}]. */
static bool take_typed_shapes(struct json_stream *json, struct chrome_event *event,
                              struct err *err) {
    unsigned list = json->depth;
    size_t shapes = 0, dtypes = 0;
    bool empty = true;
    if (json->token != JSON_ARRAY)
        return json_skip(json, err) == 0;
    event->has_shapes = true;
    event->shapes[0] = event->dtypes[0] = '\0';
    while (next(json, err) && json->depth >= list) {
        if (json->token == JSON_KEY) {
            append(event->dtypes, &dtypes, dtypes ? " " : "");
            append_word(event->dtypes, &dtypes, json->text);
            append(event->shapes, &shapes, shapes ? " " : "");
            empty = true;
        } else if (json->token == JSON_NUMBER) {
            append(event->shapes, &shapes, empty ? "" : "x");
            append(event->shapes, &shapes, json->text);
            empty = false;
        } else if (json->token == JSON_ARRAY_END && empty) {
            append(event->shapes, &shapes, "-");
        }
    }
    return json->token == JSON_ARRAY_END;
}

/* ---- args ------------------------------------------------------------------------------------ */

static bool take_correlation(struct json_stream *json, struct chrome_event *event,
                             struct err *err) {
    if (is_text(json))
        event->correlation = strtoull(json->text, NULL, 10);
    return json_skip(json, err) == 0;
}

static bool take_label(struct json_stream *json, struct chrome_event *event, struct err *err) {
    if (is_text(json))
        copy(event->label, sizeof event->label, json);
    return json_skip(json, err) == 0;
}

static bool take_op_name(struct json_stream *json, struct chrome_event *event, struct err *err) {
    if (is_text(json))
        copy(event->op_name, sizeof event->op_name, json);
    return json_skip(json, err) == 0;
}

typedef bool take_fn(struct json_stream *json, struct chrome_event *event, struct err *err);

static const struct {
    const char *key;
    take_fn *take;
} args[] = {
    {"Input Dims",       take_dims        },
    {"Input dims",       take_dims        },
    {"Input type",       take_types       },
    {"correlation",      take_correlation },
    {"name",             take_label       },
    {"op_name",          take_op_name     },
    {"input_type_shape", take_typed_shapes},
};

static take_fn *taker_of(const char *key) {
    for (size_t i = 0; i < sizeof args / sizeof *args; i++)
        if (strcmp(args[i].key, key) == 0)
            return args[i].take;
    return NULL;
}

static bool take_number(struct json_stream *json, struct chrome_event *event,
                        struct chrome_number *number, struct err *err) {
    if (json->token == JSON_NUMBER && json->length < sizeof number->text) {
        copy(number->text, sizeof number->text, json);
        event->number_count++;
    }
    return json_skip(json, err) == 0;
}

static bool take_args(struct json_stream *json, struct chrome_event *event, struct err *err) {
    unsigned depth = json->depth;
    struct chrome_number spare = {0};
    if (json->token != JSON_OBJECT)
        return json_skip(json, err) == 0;
    while (next(json, err) && json->depth >= depth) {
        take_fn *take = taker_of(json->text);
        bool room = event->number_count < CHROME_NUMBERS_MAX;
        struct chrome_number *number = room ? &event->numbers[event->number_count] : &spare;
        if (!take)
            copy(number->key, sizeof number->key, json);
        if (!next(json, err) || !(take   ? take(json, event, err)
                                  : room ? take_number(json, event, number, err)
                                         : json_skip(json, err) == 0))
            return false;
    }
    return json->token == JSON_OBJECT_END;
}

/* ---- the event ------------------------------------------------------------------------------- */

static bool take_phase(struct json_stream *json, struct chrome_event *event, struct err *err) {
    if (json->token == JSON_STRING)
        event->phase = json->text[0];
    return json_skip(json, err) == 0;
}

static bool take_text(struct json_stream *json, char *to, size_t size, struct err *err) {
    if (is_text(json))
        copy(to, size, json);
    return json_skip(json, err) == 0;
}

static bool take_name(struct json_stream *json, struct chrome_event *event, struct err *err) {
    return take_text(json, event->name, sizeof event->name, err);
}

static bool take_category(struct json_stream *json, struct chrome_event *event, struct err *err) {
    return take_text(json, event->category, sizeof event->category, err);
}

static bool take_pid(struct json_stream *json, struct chrome_event *event, struct err *err) {
    return take_text(json, event->pid, sizeof event->pid, err);
}

static bool take_tid(struct json_stream *json, struct chrome_event *event, struct err *err) {
    return take_text(json, event->tid, sizeof event->tid, err);
}

static bool take_id(struct json_stream *json, struct chrome_event *event, struct err *err) {
    return take_text(json, event->id, sizeof event->id, err);
}

static bool take_ts(struct json_stream *json, struct chrome_event *event, struct err *err) {
    event->has_ts = is_text(json) && chrome_time_ns(json->text, &event->ts_ns);
    if (!event->has_ts)
        event->bad_time = "its ts is no time";
    return json_skip(json, err) == 0;
}

static bool take_dur(struct json_stream *json, struct chrome_event *event, struct err *err) {
    event->has_dur = is_text(json) && chrome_time_ns(json->text, &event->dur_ns);
    if (!event->has_dur)
        event->bad_time = "its dur is no time";
    else if (event->dur_ns < 0)
        event->bad_time = "its dur is negative";
    return json_skip(json, err) == 0;
}

static const struct {
    const char *key;
    take_fn *take;
} members[] = {
    {"ph",   take_phase   },
    {"cat",  take_category},
    {"name", take_name    },
    {"pid",  take_pid     },
    {"tid",  take_tid     },
    {"ts",   take_ts      },
    {"dur",  take_dur     },
    {"args", take_args    },
    {"id",   take_id      },
};

static bool take_member(struct json_stream *json, struct chrome_event *event, struct err *err) {
    size_t i = 0;
    while (i < sizeof members / sizeof *members && strcmp(members[i].key, json->text) != 0)
        i++;
    if (!next(json, err))
        return false;
    if (i < sizeof members / sizeof *members)
        return members[i].take(json, event, err) && json->token != JSON_BAD &&
               json->token != JSON_CUT;
    return json_skip(json, err) == 0 && json->token != JSON_BAD && json->token != JSON_CUT;
}

static void reset(struct chrome_event *event, uint64_t offset) {
    event->offset = offset;
    event->phase = '\0';
    event->name[0] = event->category[0] = event->pid[0] = event->tid[0] = event->id[0] = '\0';
    event->has_ts = event->has_dur = event->has_shapes = false;
    event->bad_time = NULL;
    event->label[0] = event->op_name[0] = event->shapes[0] = event->dtypes[0] = '\0';
    event->correlation = 0;
    event->number_count = 0;
}

bool chrome_event_read(struct json_stream *json, struct chrome_event *event, struct err *err) {
    unsigned depth = json->depth;
    reset(event, json->offset);
    bool more = json->token == JSON_KEY || next(json, err);
    while (more && json->depth >= depth)
        more = take_member(json, event, err) && next(json, err);
    return more;
}
