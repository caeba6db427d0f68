/* Completion scripts, written out from the rows so that pressing Tab starts no process. */
#include "cli/command.h"

/* ---- bash ---------------------------------------------------------------------------------- */

static void add_words(choice_fn *choice, struct strbuf *out) {
    const char *help;
    for (size_t i = 0; choice(i, &help); i++)
        strbuf_printf(out, "%s%s", i ? " " : "", choice(i, &help));
}

static void bash_option_values(const struct option_row *rows, const char *command,
                               struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        if (!option_takes_value(rows))
            continue;
        strbuf_printf(out, "    %s:--%s) ", command, rows->name);
        if (rows->choice) {
            strbuf_puts(out, "COMPREPLY=($(compgen -W \"");
            add_words(rows->choice, out);
            strbuf_puts(out, "\" -- \"$word\")) ;;\n");
        } else if (metavar_is_path(rows->metavar)) {
            strbuf_puts(out, "COMPREPLY=($(compgen -f -- \"$word\")) ;;\n");
        } else {
            strbuf_puts(out, ";;\n");
        }
    }
}

static void bash_option_names(const struct option_row *rows, struct strbuf *out) {
    for (; rows && rows->name; rows++)
        strbuf_printf(out, " --%s", rows->name);
}

static void bash_command(const struct command *command, struct strbuf *out) {
    strbuf_printf(out, "    %s) options=\"", command->name);
    bash_option_names(command->options, out);
    strbuf_puts(out, "\" words=\"");
    const struct argument_row *row = command->arguments;
    if (row && row->name && row->choice)
        add_words(row->choice, out);
    bool files = row && row->name && (metavar_is_path(row->name) || (row[1].name && row->choice));
    strbuf_printf(out, "\" files=%s ;;\n", files ? "yes" : "");
}

static void print_bash(struct strbuf *out) {
    strbuf_puts(out,
                "# bash completion for assay\n"
                "_assay() {\n"
                "  local word=$2 previous=$3 command= options= words= files= i\n"
                "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                "    case ${COMP_WORDS[i]} in -*) ;; *) command=${COMP_WORDS[i]}; break ;; esac\n"
                "  done\n"
                "  COMPREPLY=()\n"
                "  case $command:$previous in\n");
    bash_option_values(global_rows, "*", out);
    for (const struct command *const *command = commands; *command; command++)
        bash_option_values((*command)->options, (*command)->name, out);
    strbuf_puts(out, "    *) case $command in\n"
                     "    '') words=\"");
    add_words(command_choice, out);
    strbuf_puts(out, "\" ;;\n");
    for (const struct command *const *command = commands; *command; command++)
        bash_command(*command, out);
    strbuf_puts(out, "    esac\n"
                     "    case $word in\n"
                     "    -*) COMPREPLY=($(compgen -W \"$options");
    bash_option_names(global_rows, out);
    strbuf_puts(out, "\" -- \"$word\")) ;;\n"
                     "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                     "       [ -n \"$files\" ] && COMPREPLY+=($(compgen -f -- \"$word\")) ;;\n"
                     "    esac ;;\n"
                     "  esac\n"
                     "}\n"
                     "complete -o filenames -F _assay assay\n");
}

/* ---- zsh ----------------------------------------------------------------------------------- */

/* Inside single quotes, in a spec where ":", "[" and "]" have a meaning. */
static void add_zsh_text(const char *text, struct strbuf *out) {
    for (; *text; text++) {
        if (*text == '\'')
            strbuf_puts(out, "'\\''");
        else if (*text == ':' || *text == '[' || *text == ']' || *text == '\\')
            strbuf_printf(out, "\\%c", *text);
        else
            strbuf_add(out, text, 1);
    }
}

static void zsh_values(choice_fn *choice, const char *metavar, struct strbuf *out) {
    if (choice) {
        strbuf_puts(out, "(");
        add_words(choice, out);
        strbuf_puts(out, ")");
    } else if (metavar_is_path(metavar)) {
        strbuf_puts(out, "_files");
    } else {
        strbuf_puts(out, " ");
    }
}

static void zsh_options(const struct option_row *rows, struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        bool many = rows->type == OPTION_LIST || rows->type == OPTION_WORDS;
        strbuf_printf(out, " \\\n      '%s--%s%s[", many ? "*" : "", rows->name,
                      option_takes_value(rows) ? "=" : "");
        add_zsh_text(rows->help, out);
        strbuf_puts(out, "]");
        if (option_takes_value(rows)) {
            strbuf_printf(out, ":%s:", rows->metavar ? rows->metavar : "VALUE");
            zsh_values(rows->choice, rows->metavar, out);
        }
        strbuf_puts(out, "'");
    }
}

static void zsh_arguments(const struct argument_row *rows, struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        bool many = rows->kind == ARGUMENT_SOME || rows->kind == ARGUMENT_ANY;
        strbuf_printf(out, " \\\n      '%s:%s:", many ? "*" : "", rows->name);
        zsh_values(rows->choice, rows->name, out);
        strbuf_puts(out, "'");
    }
}

static void print_zsh(struct strbuf *out) {
    strbuf_puts(out, "#compdef assay\n"
                     "# zsh completion for assay\n"
                     "_assay() {\n"
                     "  local state line\n"
                     "  typeset -A opt_args\n"
                     "  _arguments -C");
    zsh_options(global_rows, out);
    strbuf_puts(out, " \\\n      '1:command:->command' '*::argument:->arguments'\n"
                     "  case $state in\n"
                     "  command)\n"
                     "    local -a commands=(\n");
    for (const struct command *const *command = commands; *command; command++) {
        strbuf_printf(out, "      '%s:", (*command)->name);
        add_zsh_text((*command)->summary, out);
        strbuf_puts(out, "'\n");
    }
    strbuf_puts(out, "    )\n"
                     "    _describe command commands ;;\n"
                     "  arguments)\n"
                     "    case $line[1] in\n");
    for (const struct command *const *command = commands; *command; command++) {
        strbuf_printf(out, "    %s) _arguments", (*command)->name);
        zsh_options(global_rows, out);
        zsh_options((*command)->options, out);
        zsh_arguments((*command)->arguments, out);
        strbuf_puts(out, " ;;\n");
    }
    strbuf_puts(out, "    esac ;;\n"
                     "  esac\n"
                     "}\n"
                     "_assay \"$@\"\n");
}

/* ---- fish ---------------------------------------------------------------------------------- */

static void add_fish_text(const char *text, struct strbuf *out) {
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            strbuf_puts(out, "\\");
        strbuf_add(out, text, 1);
    }
}

static void fish_options(const struct option_row *rows, const char *condition, struct strbuf *out) {
    for (; rows && rows->name; rows++) {
        strbuf_printf(out, "complete -c assay%s -l %s", condition, rows->name);
        if (rows->letter)
            strbuf_printf(out, " -s %c", rows->letter);
        if (option_takes_value(rows))
            strbuf_puts(out, metavar_is_path(rows->metavar) ? " -r -F" : " -x");
        if (rows->choice) {
            strbuf_puts(out, " -a '");
            add_words(rows->choice, out);
            strbuf_puts(out, "'");
        }
        strbuf_puts(out, " -d '");
        add_fish_text(rows->help, out);
        strbuf_puts(out, "'\n");
    }
}

static void fish_command(const struct command *command, struct strbuf *out) {
    struct strbuf condition;
    strbuf_init(&condition);
    strbuf_printf(&condition, " -n '__fish_seen_subcommand_from %s'", command->name);
    strbuf_printf(out, "complete -c assay -f -n __fish_use_subcommand -a %s -d '", command->name);
    add_fish_text(command->summary, out);
    strbuf_puts(out, "'\n");
    fish_options(command->options, condition.text, out);
    const struct argument_row *row = command->arguments;
    bool words = row && row->name && row->choice;
    const char *help;
    for (size_t i = 0; words && row->choice(i, &help); i++) {
        strbuf_printf(out, "complete -c assay -f%s -a %s -d '", condition.text,
                      row->choice(i, &help));
        add_fish_text(help, out);
        strbuf_puts(out, "'\n");
    }
    strbuf_done(&condition);
}

static void print_fish(struct strbuf *out) {
    strbuf_puts(out, "# fish completion for assay\n");
    fish_options(global_rows, "", out);
    for (const struct command *const *command = commands; *command; command++)
        fish_command(*command, out);
}

/* ---- the command --------------------------------------------------------------------------- */

static const struct shell {
    const char *name;
    const char *help;
    void (*print)(struct strbuf *out);
} shells[] = {
    {"bash", "for ~/.local/share/bash-completion/completions/assay", print_bash},
    {"zsh",  "for _assay in a folder of $fpath",                     print_zsh },
    {"fish", "for ~/.config/fish/completions/assay.fish",            print_fish},
    {NULL,   NULL,                                                   NULL      },
};

static const char *shell_choice(size_t index, const char **help) {
    *help = shells[index].help;
    return shells[index].name;
}

struct completion_options {
    int shell;
};

static int run(struct context *context, const void *options, struct err *err) {
    const struct completion_options *completion = options;
    struct strbuf out;
    strbuf_init(&out);
    shells[completion->shell].print(&out);
    int failed = print_raw(context, out.text, err);
    strbuf_done(&out);
    return failed;
}

static const struct argument_row arguments[] = {
    {.name = "SHELL",
     .kind = ARGUMENT_ONE,
     .choice = shell_choice,
     .offset = offsetof(struct completion_options, shell),
     .help = "which shell"},
    {0},
};

static const struct example examples[] = {
    {"source <(assay completion bash)", "completes commands and options in this bash"},
    {"assay completion fish > ~/.config/fish/completions/assay.fish",                                 "for every new fish"},
    {0},
};

const struct command cmd_completion = {
    .name = "completion",
    .summary = "print a completion script for a shell",
    .description =
        "Prints a script that completes commands, options and their values, written from "
        "the tables of this program.",
    .examples = examples,
    .arguments = arguments,
    .options_size = sizeof(struct completion_options),
    .run = run,
};
