/* Reads the command line, runs one command, prints its error, exits with its code. */
#include "base/term.h"
#include "cli/command.h"
#include "cli/help.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct invocation {
    struct arena *arena;
    struct global_options global;
    const struct command *command; /* NULL: none named */
    void *options;
    struct context context;
    struct progress progress;
};

/* A closed standard descriptor would be given to the next file opened, the database perhaps. It is
 * filled with one that refuses what is written (or read) through it. */
static void fill_standard_descriptors(void) {
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_NOCTTY);
}

static _Noreturn void exit_exhausted(size_t bytes) {
    fprintf(stderr, "assay: out of memory (%zu bytes asked)\n", bytes);
    exit(ERR_ENVIRONMENT);
}

static bool wants_json(const struct global_options *global) {
    return global->json || strcmp(table_formats[global->format].name, "json") == 0;
}

/* Errors in the command line come before it is fully read: whether they go out as JSON is decided
 * by looking for the words. */
static bool asks_for_json(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        bool split = strcmp(argv[i], "--format") == 0 && i + 1 < argc;
        if (strcmp(argv[i], "--json") == 0 || strcmp(argv[i], "--format=json") == 0 ||
            (split && strcmp(argv[i + 1], "json") == 0))
            return true;
    }
    return false;
}

static int read_command_line(struct invocation *call, int argc, char **argv, struct err *err) {
    struct option_group groups[OPTION_GROUPS_MAX] = {
        {global_rows, &call->global}
    };
    options_defaults(&groups[0], call->arena);
    struct option_reader first = {
        .argc = argc, .argv = argv, .groups = groups, .group_count = 1, .until_word = true};
    if (options_read(&first, call->arena, err) < 0)
        return err_hint(err, "see 'assay help'; options of one command stand behind its name");
    if (first.stopped >= argc)
        return 0;
    if (command_find(argv[first.stopped], &call->command, err) < 0)
        return -(int)err->code;
    const struct command *command = call->command;
    call->options = arena_alloc(call->arena, command->options_size);
    groups[1] = (struct option_group){command->options, call->options};
    options_defaults(&groups[1], call->arena);
    struct option_reader second = {.argc = argc - first.stopped,
                                   .argv = argv + first.stopped,
                                   .groups = groups,
                                   .group_count = 2,
                                   .arguments = command->arguments,
                                   .argument_target = call->options};
    int failed = options_read(&second, call->arena, err);
    if (failed && call->global.help)
        *err = (struct err){0};
    else if (failed)
        return err_hint(err, "see 'assay help %s'", command->name);
    return 0;
}

static void fill_context(struct invocation *call) {
    struct context *context = &call->context;
    bool json = wants_json(&call->global);
    progress_init(&call->progress, stderr, !call->global.quiet);
    *context = (struct context){
        .arena = call->arena,
        .out = stdout,
        .format = json ? table_format_by_name("json") : &table_formats[call->global.format],
        .style = {term_width(stdout), term_colors(stdout) && !call->global.no_color},
        .quiet = call->global.quiet,
        .json = json,
        .db_given = call->global.db,
        .progress = &call->progress,
    };
}

static int print_help(struct invocation *call, struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    if (call->command)
        help_command(call->command, &out);
    else
        help_overview(&out);
    int failed = print_raw(&call->context, out.text, err);
    strbuf_done(&out);
    return failed;
}

static int run(struct invocation *call, struct err *err) {
    fill_context(call);
    if (call->global.help)
        return print_help(call, err);
    if (call->global.version)
        return print_raw(&call->context, "assay " ASSAY_VERSION "\n", err);
    if (!call->command) {
        err_set(err, ERR_USAGE, "no command is given");
        return err_hint(err,
                        "'assay help' lists the commands; 'assay doctor' looks at this machine");
    }
    return call->command->run(&call->context, call->options, err);
}

static void print_error(const struct err *err, bool json, bool answered) {
    struct strbuf out;
    strbuf_init(&out);
    if (json && !answered && !ferror(stdout)) {
        cJSON *tree = json_object();
        cJSON *error = json_add_object(tree, "error");
        json_add_text(error, "code", err_code_name(err->code));
        json_add_text(error, "message", err->message);
        json_add_text(error, "hint", err->hint);
        json_print(tree, true, &out);
        cJSON_Delete(tree);
        printf("%s\n", out.text);
    } else {
        strbuf_puts(&out, "assay: ");
        term_escape(err->message, false, &out);
        if (*err->hint) {
            strbuf_puts(&out, "\nhint: ");
            term_escape(err->hint, false, &out);
        }
        fprintf(stderr, "%s\n", out.text);
    }
    strbuf_done(&out);
}

/* A reader that has gone away (assay list ops | head -1) is no failure. */
static int flush_output(const struct context *context, int code) {
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || context_reader_gone(context))
        return code;
    if (code != ERR_ENVIRONMENT)
        fprintf(stderr, "assay: cannot write to standard output: %s\n",
                strerror(errno ? errno : EIO));
    return ERR_ENVIRONMENT;
}

int main(int argc, char **argv) {
    fill_standard_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file size limit is then an error like a full disk */
    signal(SIGCHLD, SIG_DFL); /* ignored, ended children could not be waited for */
    arena_on_exhausted(exit_exhausted);
    struct arena arena;
    arena_init(&arena);
    struct invocation call = {.arena = &arena, .context.out = stdout};
    struct err err = {0};
    bool json = asks_for_json(argc, argv);
    int result = read_command_line(&call, argc, argv, &err);
    if (result == 0)
        result = run(&call, &err);
    progress_done(&call.progress);
    if (result < 0)
        print_error(&err, json, call.context.answered);
    int code = flush_output(&call.context, result < 0 ? -result : result);
    if (call.context.threads_left)
        _exit(code);
    arena_done(&arena);
    return code;
}
