#include "collectors/group.h"

#include "collectors/counters.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { PMU_NAME_SIZE = 32 }; /* "::" and the end included */

static const char *const known_names[GROUP_KNOWN_COUNT] = {
    [GROUP_WALL_NS] = "wall_ns",
    [GROUP_CPU_NS] = "cpu_ns",
    [GROUP_FLOPS] = "flops",
    [GROUP_BYTES] = "bytes",
};

struct reader {
    struct arena *arena;
    struct group *group;
    uint32_t capacity; /* of sections */
    uint32_t line;
    struct err *err;
};

static int wrong(struct reader *r, const char *what, const char *word) {
    return err_set(r->err, ERR_INPUT, "%s.group: line %u: %s%s%.80s%s", r->group->name, r->line,
                   what, word ? " '" : "", word ? word : "", word ? "'" : "");
}

/* Takes the next word off the line; NULL at its end. */
static const char *take_word(char **at) {
    while (isspace((unsigned char)**at))
        (*at)++;
    char *start = *at;
    if (*start == '\0')
        return NULL;
    while (**at && !isspace((unsigned char)**at))
        (*at)++;
    if (**at)
        *(*at)++ = '\0';
    return start;
}

/* What is left of the line, without blanks around it. */
static const char *take_rest(char **at) {
    while (isspace((unsigned char)**at))
        (*at)++;
    char *start = *at, *end = start + strlen(start);
    while (end > start && isspace((unsigned char)end[-1]))
        *--end = '\0';
    *at = end;
    return start;
}

static struct group_section *current(struct reader *r) {
    return r->group->section_count ? &r->group->sections[r->group->section_count - 1] : NULL;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static int read_title(struct reader *r, char *rest) {
    if (r->group->title)
        return wrong(r, "a second title", NULL);
    r->group->title = take_rest(&rest);
    return 0;
}

static int read_about(struct reader *r, char *rest) {
    struct group *group = r->group;
    const char *text = take_rest(&rest);
    group->about = group->about ? arena_printf(r->arena, "%s %s", group->about, text) : text;
    return 0;
}

static int read_pmu(struct reader *r, char *rest) {
    if (r->group->section_count == GROUP_SECTIONS_MAX)
        return wrong(r, "too many sections", NULL);
    struct group_section *section =
        ARENA_PUSH(r->arena, r->group->sections, r->group->section_count, r->capacity);
    *section = (struct group_section){0};
    for (const char *name; (name = take_word(&rest));) {
        if (section->pmu_count == GROUP_PMUS_MAX)
            return wrong(r, "too many names, the last", name);
        if (strlen(name) + 2 >= PMU_NAME_SIZE)
            return wrong(r, "too long for a name of a PMU:", name);
        section->pmus[section->pmu_count++] = name;
    }
    return section->pmu_count ? 0 : wrong(r, "the name of a PMU or '*' is expected", NULL);
}

static bool is_id(const char *word) {
    size_t length = strlen(word);
    if (length >= COUNTER_NAME_SIZE || !(isalpha((unsigned char)*word) || *word == '_'))
        return false;
    for (const char *c = word; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    return true;
}

static bool is_taken(const struct group_section *section, const char *id) {
    for (int i = 0; i < GROUP_KNOWN_COUNT; i++)
        if (strcmp(known_names[i], id) == 0)
            return true;
    for (uint32_t i = 0; i < section->count_count; i++)
        if (strcmp(section->counts[i].id, id) == 0)
            return true;
    return false;
}

static int read_count(struct reader *r, char *rest) {
    struct group_section *section = current(r);
    const char *id = take_word(&rest), *event = take_word(&rest), *more = take_word(&rest);
    if (!section)
        return wrong(r, "a 'pmu' line comes first", NULL);
    if (!id || !event || more)
        return wrong(r, "a counter is a name and an event", NULL);
    if (!is_id(id) || is_taken(section, id))
        return wrong(r, "not a name, or one that is taken:", id);
    if (strlen(event) >= COUNTER_NAME_SIZE - PMU_NAME_SIZE)
        return wrong(r, "an event's name is too long:", event);
    if (section->count_count == GROUP_COUNTS_MAX)
        return wrong(r, "too many counters", NULL);
    section->counts[section->count_count++] = (struct group_count){id, event};
    return 0;
}

/* Units that unit_name() has no word of their own for. */
static const struct {
    const char *word;
    enum unit unit;
} unit_words[] = {
    {"1",     UNIT_PLAIN   },
    {"count", UNIT_COUNT   },
    {"%",     UNIT_FRACTION},
};

static bool find_unit(const char *name, enum unit *unit) {
    for (size_t i = 0; i < sizeof unit_words / sizeof *unit_words; i++) {
        *unit = unit_words[i].unit;
        if (strcmp(unit_words[i].word, name) == 0)
            return true;
    }
    for (int i = 0; i < UNIT_KINDS; i++) {
        *unit = (enum unit)i;
        if (*name && strcmp(unit_name(*unit), name) == 0)
            return true;
    }
    return false;
}

static int read_metric(struct reader *r, char *rest) {
    struct group_section *section = current(r);
    const char *names[GROUP_VARIABLES_MAX];
    const char *id = take_word(&rest), *unit = take_word(&rest), *text = take_rest(&rest);
    if (!section)
        return wrong(r, "a 'pmu' line comes first", NULL);
    if (!id || !unit || !*text || !is_id(id))
        return wrong(r, "a metric is a name, a unit and a formula", NULL);
    if (section->metric_count == GROUP_METRICS_MAX)
        return wrong(r, "too many metrics", NULL);
    struct group_metric *metric = &section->metrics[section->metric_count];
    metric->id = id;
    if (!find_unit(unit, &metric->unit))
        return wrong(r, "not a unit:", unit);
    memcpy(names, known_names, sizeof known_names);
    for (uint32_t i = 0; i < section->count_count; i++)
        names[GROUP_KNOWN_COUNT + i] = section->counts[i].id;
    uint32_t count = GROUP_KNOWN_COUNT + section->count_count;
    if (formula_parse(r->arena, text, names, count, &metric->formula, r->err))
        return err_prefix(r->err, "%s.group: line %u", r->group->name, r->line);
    section->metric_count++;
    return 0;
}

static const struct keyword {
    const char *word;
    int (*read)(struct reader *r, char *rest);
} keywords[] = {
    {"title",  read_title },
    {"about",  read_about },
    {"pmu",    read_pmu   },
    {"count",  read_count },
    {"metric", read_metric},
};

static int read_line(struct reader *r, char *line) {
    *strchrnul(line, '#') = '\0';
    const char *word = take_word(&line);
    if (!word)
        return 0;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (strcmp(keywords[i].word, word) == 0)
            return keywords[i].read(r, line);
    return wrong(r, "title, about, pmu, count or metric is expected, not", word);
}

/* ---- a file --------------------------------------------------------------------------------- */

static int check_whole(struct reader *r) {
    const struct group *group = r->group;
    if (!group->title || !*group->title)
        return err_set(r->err, ERR_INPUT, "%s.group: it has no title", group->name);
    if (!group->section_count)
        return err_set(r->err, ERR_INPUT, "%s.group: it has no 'pmu' line", group->name);
    for (uint32_t i = 0; i < group->section_count; i++)
        if (!group->sections[i].count_count || !group->sections[i].metric_count)
            return err_set(r->err, ERR_INPUT, "%s.group: the section '%s' counts nothing%s",
                           group->name, group->sections[i].pmus[0],
                           group->sections[i].count_count ? " that a metric is made of" : "");
    return 0;
}

int group_parse(struct arena *arena, const char *name, const char *text, size_t length,
                struct group **out, struct err *err) {
    struct group *group = ARENA_NEW(arena, struct group);
    struct reader reader = {.arena = arena, .group = group, .err = err};
    group->name = name;
    if (length > GROUP_BYTES_MAX)
        return err_set(err, ERR_INPUT, "%s.group: longer than %d bytes", name, GROUP_BYTES_MAX);
    if (memchr(text, '\0', length))
        return err_set(err, ERR_INPUT, "%s.group: a text file is expected", name);
    char *at = arena_strndup(arena, text, length);
    for (char *end; *at; at = end) {
        end = strchrnul(at, '\n');
        if (*end)
            *end++ = '\0';
        reader.line++;
        int code = read_line(&reader, at);
        if (code)
            return code;
    }
    group->about = group->about ? group->about : "";
    *out = group;
    return check_whole(&reader);
}

/* ---- choosing ------------------------------------------------------------------------------- */

static const struct group_section *section_of(const struct group *group, const char *pmu) {
    for (uint32_t s = 0; s < group->section_count; s++)
        for (uint32_t i = 0; i < group->sections[s].pmu_count; i++)
            if (strcmp(group->sections[s].pmus[i], pmu) == 0)
                return &group->sections[s];
    return NULL;
}

/* libpfm4 knows an event for sure by "pmu::EVENT". */
static const char *qualified(struct arena *arena, const char *pmu, const char *event) {
    if (strcmp(pmu, "*") == 0 || strstr(event, "::") || counters_is_generic(event))
        return event;
    return arena_printf(arena, "%s::%s", pmu, event);
}

int group_choose(struct arena *arena, const struct group *group, const char *const *pmus,
                 uint32_t pmu_count, struct group_choice *choice, struct err *err) {
    *choice = (struct group_choice){.group = group};
    for (uint32_t i = 0; i < pmu_count && !choice->section; i++) {
        choice->pmu = pmus[i];
        choice->section = section_of(group, pmus[i]);
    }
    if (!choice->section) {
        choice->pmu = "*";
        choice->section = section_of(group, "*");
    }
    if (!choice->section)
        return err_set(err, ERR_ENVIRONMENT, "group %s has no counters for this CPU", group->name);
    const char **events = ARENA_ARRAY(arena, choice->section->count_count, const char *);
    for (uint32_t i = 0; i < choice->section->count_count; i++)
        events[i] = qualified(arena, choice->pmu, choice->section->counts[i].event);
    choice->events = events;
    return 0;
}

double group_metric_value(const struct group_metric *metric, const double *values) {
    double value = formula_value(&metric->formula, values);
    return isfinite(value) ? value : NAN;
}
