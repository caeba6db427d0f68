#include "cli/context.h"

#include "base/file.h"
#include "base/term.h"
#include "db/db.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>

bool context_reader_gone(const struct context *context) {
    struct pollfd pipe = {.fd = fileno(context->out)};
    return poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR);
}

static int write_out(struct context *context, const struct strbuf *text, struct err *err) {
    context->answered = true;
    if (fwrite(text->text, 1, text->length, context->out) == text->length)
        return 0;
    err_set_errno(err, ERR_ENVIRONMENT, "cannot write to standard output");
    if (!context_reader_gone(context))
        return -(int)err->code;
    *err = (struct err){0};
    return 0;
}

static int write_and_done(struct context *context, struct strbuf *text, struct err *err) {
    int failed = write_out(context, text, err);
    strbuf_done(text);
    return failed;
}

int print_table(struct context *context, const struct table *table, struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    context->format->render(table, &context->style, &out);
    return write_and_done(context, &out, err);
}

int print_answer(struct context *context, const cJSON *tree, const struct table *const *tables,
                 size_t table_count, struct err *err) {
    if (context->json)
        return print_json(context, tree, err);
    int failed = 0;
    for (size_t i = 0; i < table_count && !failed; i++) {
        failed = i ? print_raw(context, "\n", err) : 0;
        if (!failed)
            failed = print_table(context, tables[i], err);
    }
    return failed;
}

int print_json(struct context *context, const cJSON *tree, struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    json_print(tree, true, &out);
    strbuf_puts(&out, "\n");
    return write_and_done(context, &out, err);
}

int print_raw(struct context *context, const char *text, struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    strbuf_puts(&out, text);
    return write_and_done(context, &out, err);
}

int print_line(struct context *context, struct err *err, const char *format, ...) {
    if (strcmp(context->format->name, "text") != 0 &&
        strcmp(context->format->name, "markdown") != 0)
        return 0;
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(context->arena, format, args);
    va_end(args);
    struct strbuf out;
    strbuf_init(&out);
    term_escape(text, true, &out);
    strbuf_puts(&out, "\n");
    return write_and_done(context, &out, err);
}

void print_note(const struct context *context, const char *format, ...) {
    if (context->quiet)
        return;
    va_list args;
    va_start(args, format);
    const char *text = arena_vprintf(context->arena, format, args);
    va_end(args);
    struct strbuf out;
    strbuf_init(&out);
    term_escape(text, true, &out);
    progress_done(context->progress);
    fprintf(stderr, "%s\n", out.text);
    strbuf_done(&out);
}

const char *context_db_path(struct context *context, struct err *err) {
    return context->db_given ? context->db_given : db_default_path(context->arena, err);
}

int context_db_open(struct context *context, int flags, struct db **db, struct err *err) {
    *db = NULL;
    const char *path = context_db_path(context, err);
    return path ? db_open(path, flags, db, err) : -(int)err->code;
}

int write_picture(struct context *context, const struct strbuf *picture, const char *path,
                  struct err *err) {
    if (file_replace(path, picture->text, picture->length, err))
        return -(int)err->code;
    print_note(context, "drawn into %s", path);
    return 0;
}
