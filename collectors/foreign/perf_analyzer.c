#include "collectors/foreign/perf_analyzer.h"

#include "base/strbuf.h"
#include "base/utf8.h"
#include "collectors/foreign/csv.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 256, NS_PER_US = 1000 };

/* The parts of a request that have a time of their own. */
static const char *const parts[] = {
    "Client Send",           "Network+Server Send/Recv", "Server Queue",
    "Server Compute",        "Server Compute Input",     "Server Compute Infer",
    "Server Compute Output", "Server Cache Hit",         "Server Cache Miss",
    "Client Recv",           "request/response",         "response wait",
};

enum { PART_COUNT = sizeof parts / sizeof *parts };

enum column_kind { IGNORED, LOAD, THROUGHPUT, PART, PERCENTILE, AVERAGE };

struct column {
    enum column_kind kind;
    char key[40]; /* of its attribute, or of its row */
};

struct reader {
    const struct foreign_request *request;
    struct span_sink *sink;
    struct column *columns;
    uint32_t count;
    uint64_t lines, others; /* columns that nobody knows */
    struct strbuf attributes;
};

/* ---- the header ------------------------------------------------------------------------------ */

/* "p99 latency"; 0: no percentile. */
static unsigned long percentile_of(const char *name) {
    char *end;
    if (name[0] != 'p' || !isdigit((unsigned char)name[1]))
        return 0;
    unsigned long percent = strtoul(name + 1, &end, 10);
    return strcmp(end, " latency") == 0 && percent <= 100 ? percent : 0;
}

static bool is_part(const char *name) {
    for (size_t i = 0; i < PART_COUNT; i++)
        if (strcmp(parts[i], name) == 0)
            return true;
    return false;
}

static struct column column_of(const char *name) {
    struct column column = {.kind = IGNORED};
    unsigned long percent = percentile_of(name);
    if (percent > 0) {
        column.kind = PERCENTILE;
        snprintf(column.key, sizeof column.key, "p%02lu_us", percent);
    } else if (is_part(name)) {
        column.kind = PART;
        snprintf(column.key, sizeof column.key, "%s", name);
    } else if (strcmp(name, "Avg latency") == 0) {
        column = (struct column){AVERAGE, "average_us"};
    } else if (strcmp(name, "Concurrency") == 0) {
        column = (struct column){LOAD, "concurrency"};
    } else if (strcmp(name, "Request Rate") == 0) {
        column = (struct column){LOAD, "request_rate"};
    } else if (strcmp(name, "Inferences/Second") == 0) {
        column = (struct column){THROUGHPUT, "inferences_per_second"};
    }
    return column;
}

static int read_header(struct reader *reader, const struct csv_record *header, struct err *err) {
    bool load = false, throughput = false;
    if (header->count > COLUMNS_MAX)
        return err_set(err, ERR_INPUT, "%s: more than %d columns", reader->request->path,
                       COLUMNS_MAX);
    reader->columns = ARENA_ARRAY(reader->request->arena, header->count, struct column);
    reader->count = header->count;
    for (uint32_t i = 0; i < header->count; i++) {
        reader->columns[i] = column_of(header->cells[i]);
        load |= reader->columns[i].kind == LOAD;
        throughput |= reader->columns[i].kind == THROUGHPUT;
        reader->others += reader->columns[i].kind == IGNORED && header->cells[i][0] != '\0';
    }
    if (load && throughput)
        return 0;
    return err_set(err, ERR_INPUT,
                   "%s: no columns Concurrency or Request Rate, and Inferences/Second",
                   reader->request->path);
}

/* ---- lines ----------------------------------------------------------------------------------- */

static int give_row(struct reader *reader, const char *name, double time_us, const char *attributes,
                    struct err *err) {
    const struct table_row row = {.name = name,
                                  .attributes = attributes,
                                  .time_ns = time_us * NS_PER_US,
                                  .low_ns = NAN,
                                  .high_ns = NAN};
    return reader->sink->row ? reader->sink->row(reader->sink->context, &row, err) : 0;
}

/* Attributes are sorted by key; the columns are few. */
static void add_sorted(struct reader *reader, const struct csv_record *record,
                       bool (*wanted)(enum column_kind kind)) {
    const char *last = "";
    reader->attributes.length = 0;
    for (;;) {
        int best = -1;
        for (uint32_t i = 0; i < reader->count; i++) {
            const char *key = reader->columns[i].key;
            if (wanted(reader->columns[i].kind) && strcmp(key, last) > 0 &&
                (best < 0 || strcmp(key, reader->columns[best].key) < 0))
                best = (int)i;
        }
        if (best < 0)
            return;
        last = reader->columns[best].key;
        strbuf_printf(&reader->attributes, "%s%s=%s", reader->attributes.length > 0 ? " " : "",
                      last, record->cells[best]);
    }
}

static bool is_load(enum column_kind kind) {
    return kind == LOAD;
}

static bool is_of_request(enum column_kind kind) {
    return kind == LOAD || kind == THROUGHPUT || kind == PERCENTILE || kind == AVERAGE;
}

/* The median, else the average; NaN: the file has neither. */
static double time_of_request(const struct reader *reader, const struct csv_record *record) {
    double time_us = NAN, number;
    for (uint32_t i = 0; i < reader->count; i++) {
        bool median = strcmp(reader->columns[i].key, "p50_us") == 0;
        if ((median || reader->columns[i].kind == AVERAGE) &&
            csv_number(record->cells[i], &number) && (median || isnan(time_us)))
            time_us = number;
        if (median)
            break;
    }
    return time_us;
}

static int check_numbers(const struct reader *reader, const struct csv_record *record,
                         struct err *err) {
    double number;
    for (uint32_t i = 0; i < reader->count; i++)
        if (reader->columns[i].kind != IGNORED &&
            (!csv_number(record->cells[i], &number) || number < 0 || number > 1e15))
            return err_set(err, ERR_INPUT, "%s:%llu: \"%.*s\" is no number of the column %s",
                           reader->request->path, (unsigned long long)record->line,
                           (int)utf8_prefix(record->cells[i], 40), record->cells[i],
                           reader->columns[i].key);
    return 0;
}

static int give_parts(struct reader *reader, const struct csv_record *record, struct err *err) {
    add_sorted(reader, record, is_load);
    for (uint32_t i = 0; i < reader->count; i++) {
        double time_us;
        if (reader->columns[i].kind == PART && csv_number(record->cells[i], &time_us) &&
            give_row(reader, reader->columns[i].key, time_us, reader->attributes.text, err))
            return -(int)err->code;
    }
    return 0;
}

static int read_record(void *context, const struct csv_record *record, struct err *err) {
    struct reader *reader = context;
    if (!reader->columns)
        return read_header(reader, record, err);
    if (check_numbers(reader, record, err))
        return -(int)err->code;
    add_sorted(reader, record, is_of_request);
    reader->lines++;
    if (give_row(reader, "request", time_of_request(reader, record), reader->attributes.text, err))
        return -(int)err->code;
    return give_parts(reader, record, err);
}

static int read_perf_analyzer(const struct foreign_request *request, struct inflated *in,
                              struct span_sink *sink, struct foreign_outcome *out,
                              struct err *err) {
    struct reader reader = {.request = request, .sink = sink};
    char others[24];
    strbuf_init(&reader.attributes);
    int rc = csv_read(request->path, in, read_record, &reader, out, err);
    if (rc == 0 && !reader.columns)
        rc = err_set(err, ERR_INPUT, "%s: a table without a header", request->path);
    out->events = reader.lines;
    snprintf(others, sizeof others, "%llu", (unsigned long long)reader.others);
    if (rc == 0 && reader.others > 0 && sink->fact)
        rc = sink->fact(sink->context, "columns left out: not known", others, err);
    strbuf_done(&reader.attributes);
    return rc;
}

static bool sniff_perf_analyzer(const char *head, size_t length) {
    static const char *const begins[] = {"Concurrency,Inferences/Second",
                                         "Request Rate,Inferences/Second"};
    (void)length;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (strncmp(head, begins[i], strlen(begins[i])) == 0)
            return true;
    return false;
}

const struct foreign_format foreign_perf_analyzer = {
    .name = "perf-analyzer",
    .help = "the CSV of Triton's perf_analyzer -f",
    .experimental = true,
    .sniff = sniff_perf_analyzer,
    .read = read_perf_analyzer,
};
