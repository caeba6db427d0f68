#include "db/export.h"

#include "db/rows.h"

#include <inttypes.h>
#include <string.h>

/* ---- values ----------------------------------------------------------------------------------*/

static void write_hex(const struct sql_value *value, FILE *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < value->byte_count; i++) {
        unsigned char byte = (unsigned char)value->bytes[i];
        putc(digits[byte >> 4], out);
        putc(digits[byte & 15], out);
    }
}

static void write_number(const struct sql_value *value, FILE *out) {
    if (value->kind == SQL_INTEGER)
        fprintf(out, "%" PRId64, value->integer);
    else if (value->real > 1.7976931348623157e308 || value->real < -1.7976931348623157e308)
        fputs(value->real > 0 ? "1e999" : "-1e999", out); /* infinity, in the grammar of JSON */
    else
        fprintf(out, "%.17g", value->real);
}

/* Length of the UTF-8 sequence at `at` (RFC 3629), 0 when it is not one. */
static size_t utf8_length(const unsigned char *at, size_t left) {
    static const struct {
        unsigned char mask, lead;
        size_t length;
        uint32_t least;
    } forms[] = {
        {0xe0, 0xc0, 2, 0x80   },
        {0xf0, 0xe0, 3, 0x800  },
        {0xf8, 0xf0, 4, 0x10000}
    };
    if (at[0] < 0x80)
        return 1;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if ((at[0] & forms[f].mask) != forms[f].lead || left < forms[f].length)
            continue;
        uint32_t point = at[0] & (unsigned char)~forms[f].mask;
        for (size_t i = 1; i < forms[f].length; i++) {
            if ((at[i] & 0xc0) != 0x80)
                return 0;
            point = point << 6 | (at[i] & 0x3f);
        }
        bool surrogate = point >= 0xd800 && point <= 0xdfff;
        return point < forms[f].least || point > 0x10ffff || surrogate ? 0 : forms[f].length;
    }
    return 0;
}

static void write_json_text(const char *text, size_t length, FILE *out) {
    const unsigned char *at = (const unsigned char *)text;
    putc('"', out);
    for (size_t i = 0; i < length;) {
        size_t step = utf8_length(at + i, length - i);
        if (step == 0)
            fputs("\\ufffd", out);
        else if (at[i] == '"' || at[i] == '\\')
            fprintf(out, "\\%c", at[i]);
        else if (at[i] < 0x20)
            fprintf(out, "\\u%04x", at[i]);
        else
            fwrite(at + i, 1, step, out);
        i += step > 0 ? step : 1;
    }
    putc('"', out);
}

static void write_json_value(const struct sql_value *value, FILE *out) {
    switch (value->kind) {
    case SQL_NULL:
        fputs("null", out);
        break;
    case SQL_INTEGER:
    case SQL_REAL:
        write_number(value, out);
        break;
    case SQL_TEXT:
        write_json_text(value->bytes, value->byte_count, out);
        break;
    case SQL_BLOB:
        putc('"', out);
        write_hex(value, out);
        putc('"', out);
        break;
    }
}

/* RFC 4180: quoted when it holds a quote, comma or line end; quotes doubled. */
static void write_csv_text(const char *text, size_t length, FILE *out) {
    bool plain = true;
    for (size_t i = 0; i < length; i++)
        plain = plain && strchr("\",\r\n", text[i]) == NULL;
    if (plain) {
        fwrite(text, 1, length, out);
        return;
    }
    putc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            putc('"', out);
        putc(text[i], out);
    }
    putc('"', out);
}

static void write_csv_value(const struct sql_value *value, FILE *out) {
    if (value->kind == SQL_TEXT)
        write_csv_text(value->bytes, value->byte_count, out);
    else if (value->kind == SQL_BLOB)
        write_hex(value, out);
    else if (value->kind != SQL_NULL)
        write_number(value, out);
}

/* ---- rows ------------------------------------------------------------------------------------*/

static void write_json_row(const struct sql_row *row, bool header, FILE *out) {
    (void)header;
    if (row->values == NULL)
        return;
    for (size_t i = 0; i < row->column_count; i++) {
        putc(i > 0 ? ',' : '{', out);
        write_json_text(row->columns[i], strlen(row->columns[i]), out);
        putc(':', out);
        write_json_value(&row->values[i], out);
    }
    fputs("}\n", out);
}

static void write_csv_row(const struct sql_row *row, bool header, FILE *out) {
    for (size_t i = 0; header && i < row->column_count; i++) {
        fputs(i > 0 ? "," : "", out);
        write_csv_text(row->columns[i], strlen(row->columns[i]), out);
    }
    if (header)
        fputs("\r\n", out);
    for (size_t i = 0; row->values != NULL && i < row->column_count; i++) {
        fputs(i > 0 ? "," : "", out);
        write_csv_value(&row->values[i], out);
    }
    if (row->values != NULL)
        fputs("\r\n", out);
}

static const struct {
    const char *name;
    void (*write_row)(const struct sql_row *row, bool header, FILE *out);
} formats[EXPORT_FORMAT_COUNT] = {
    [EXPORT_JSON_LINES] = {"jsonl", write_json_row},
    [EXPORT_CSV] = {"csv",   write_csv_row },
};

const char *export_format_name(enum export_format format) {
    return formats[format].name;
}

enum export_format export_format_by_name(const char *name) {
    int i = 0;
    while (i < EXPORT_FORMAT_COUNT && strcmp(formats[i].name, name) != 0)
        i++;
    return (enum export_format)i;
}

int export_row(enum export_format format, const struct sql_row *row, bool header, FILE *out,
               struct err *err) {
    formats[format].write_row(row, header, out);
    return ferror(out) ? err_set_errno(err, ERR_ENVIRONMENT, "writing the export failed") : 0;
}

struct table_export {
    enum export_format format;
    bool header; /* still to be written */
    FILE *out;
};

static int write_row(void *context, const struct sql_row *row, struct err *err) {
    struct table_export *export = context;
    int failed = export_row(export->format, row, export->header, export->out, err);
    export->header = false;
    return failed;
}

int db_export(struct db *db, const char *table, enum export_format format, FILE *out,
              struct err *err) {
    struct table_export export = {format, true, out};
    sqlite3_stmt *statement;
    int status = SQLITE_DONE;
    int failed = rows_of_table(db, "*", table, &statement, err);
    if (failed == 0)
        failed = rows_walk(statement, write_row, &export, &status, err);
    if (failed == 0 && status != SQLITE_DONE)
        failed = db_fail(db, status, "export it", err);
    sqlite3_finalize(statement);
    if (failed == 0 && fflush(out) != 0)
        failed = err_set_errno(err, ERR_ENVIRONMENT, "writing the export failed");
    return failed;
}
