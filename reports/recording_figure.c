#include "reports/recording_figure.h"

#include "base/units.h"
#include "reports/figure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    WIDTH_MAX = 1200,
    ROW_HEIGHT = 18,
    FRAME = 70,
    DEPTH_SHOWN = 32,
    BOXES_MAX = 4000,
    LETTER_WIDTH = 7,
    LETTERS_LEAST = 4,
};

static const char *const colors[SPAN_KIND_COUNT] = {
    [SPAN_OPERATOR] = FIGURE_BLUE, [SPAN_CALL] = FIGURE_ORANGE, [SPAN_KERNEL] = FIGURE_GREEN,
    [SPAN_COPY] = FIGURE_PURPLE,   [SPAN_SET] = FIGURE_PURPLE,  [SPAN_ANNOTATION] = FIGURE_RED,
    [SPAN_OTHER] = FIGURE_MUTED,
};

struct box {
    const struct recording_node *node;
    double left, width; /* of 1 */
    int depth;
};

struct layout {
    const struct recording *recording;
    struct recording_links links;
    struct box *boxes;
    uint32_t count;
    int depth;
    double all_ns;
    int width;
    double narrowest; /* narrower boxes are not seen */
};

/* Children of two tracks may together be longer than their parent's share: they are fitted in. */
static void place(struct layout *l, int32_t parent, double left, double width, double total_ns,
                  int depth) {
    double sum = 0;
    const struct recording_node *nodes = l->recording->nodes;
    for (int32_t at = l->links.first[parent + 1]; at >= 0; at = l->links.next[at])
        sum += nodes[at].total_ns;
    double scale = width / fmax(sum, total_ns);
    for (int32_t at = l->links.first[parent + 1]; at >= 0; at = l->links.next[at]) {
        double own = nodes[at].total_ns * scale;
        if (!(own >= l->narrowest) || depth == DEPTH_SHOWN || l->count == BOXES_MAX)
            return;
        l->boxes[l->count++] = (struct box){&nodes[at], left, own, depth};
        l->depth = depth + 1 > l->depth ? depth + 1 : l->depth;
        place(l, at, left, own, nodes[at].total_ns, depth + 1);
        left += own;
    }
}

static bool has_kind(const struct layout *l, int kind) {
    for (uint32_t i = 0; i < l->count; i++)
        if (l->boxes[i].node->kind == (enum span_kind)kind)
            return true;
    return false;
}

static void add_boxes(struct figure *figure, const struct layout *l, int kind) {
    strbuf_printf(&figure->script, "$kind%d << EOD\n", kind);
    for (uint32_t i = 0; i < l->count; i++) {
        const struct box *box = &l->boxes[i];
        if (box->node->kind != (enum span_kind)kind)
            continue;
        strbuf_printf(&figure->script, "%.6f\t%d\t%.6f\t%.6f\t%.2f\t%.2f\n",
                      box->left + box->width / 2, box->depth, box->left, box->left + box->width,
                      box->depth - 0.46, box->depth + 0.46);
    }
    strbuf_puts(&figure->script, "EOD\n");
}

/* Text that fits into its box; others have none. */
static void add_labels(struct figure *figure, const struct layout *l) {
    char text[WIDTH_MAX / LETTER_WIDTH + 1];
    strbuf_puts(&figure->script, "$labels << EOD\n");
    for (uint32_t i = 0; i < l->count; i++) {
        const struct box *box = &l->boxes[i];
        size_t letters = (size_t)(box->width * l->width / LETTER_WIDTH);
        if (letters < LETTERS_LEAST)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)letters, box->node->name);
        strbuf_printf(&figure->script, "%.6f\t%d\t", box->left + 2.0 / l->width, box->depth);
        figure_label(figure, text);
        strbuf_puts(&figure->script, "\n");
    }
    strbuf_puts(&figure->script, "EOD\n");
}

static void draw(struct figure *figure, const struct layout *l) {
    const char *comma = "plot ";
    strbuf_printf(&figure->script,
                  "unset border\nunset xtics\nunset ytics\nunset grid\n"
                  "set xrange [0:1]\nset yrange [%d:-1]\n"
                  "set key outside top left horizontal\n"
                  "set style fill solid 0.55 border linecolor rgb '" FIGURE_GRID "'\n",
                  l->depth);
    for (int kind = 0; kind < SPAN_KIND_COUNT; kind++)
        if (has_kind(l, kind))
            add_boxes(figure, l, kind);
    add_labels(figure, l);
    for (int kind = 0; kind < SPAN_KIND_COUNT; kind++) {
        if (!has_kind(l, kind))
            continue;
        strbuf_printf(&figure->script,
                      "%s$kind%d using 1:2:3:4:5:6 with boxxyerror linecolor rgb '%s' title '%s'",
                      comma, kind, colors[kind], span_kind_name((enum span_kind)kind));
        comma = ", ";
    }
    strbuf_puts(&figure->script,
                ", $labels using 1:2:3 with labels left font ',10' textcolor rgb '" FIGURE_INK
                "' notitle\n");
}

static const char *finding(struct arena *arena, const struct layout *l) {
    char text[UNIT_TEXT_SIZE];
    uint32_t count;
    struct recording_call *calls = recording_calls(arena, l->recording, false, &count);
    return arena_printf(arena, "Of %s, most own time has %.80s.",
                        unit_format(text, l->all_ns, UNIT_NS), calls[0].node->name);
}

int recording_figure(struct arena *arena, const struct recording *recording, int width,
                     struct figure *figure, const char **alt, struct err *err) {
    struct layout l = {.recording = recording,
                       .links = recording_links(arena, recording),
                       .boxes = ARENA_ARRAY(arena, BOXES_MAX, struct box),
                       .all_ns = recording_self_ns(recording),
                       .width = width,
                       .narrowest = 0.75 / width};
    place(&l, RECORDING_ROOT, 0, 1, 0, 0);
    if (l.count == 0)
        return err_set(err, ERR_INPUT, "the recording has no operators to draw");
    figure_init(figure, "recording", width, l.depth * ROW_HEIGHT + FRAME);
    draw(figure, &l);
    *alt = finding(arena, &l);
    return 0;
}

int recording_picture(struct arena *arena, const struct recording *recording, struct strbuf *svg,
                      struct err *err) {
    struct figure figure;
    const char *alt = "";
    if (recording_figure(arena, recording, WIDTH_MAX, &figure, &alt, err))
        return -(int)err->code;
    int code = figure_document(&figure, alt, svg, err);
    figure_done(&figure);
    return code;
}

/* ---- folded stacks --------------------------------------------------------------------------- */

static const char *folded_name(struct arena *arena, const char *name) {
    char *copy = arena_strdup(arena, name);
    for (char *at = copy; *at; at++)
        if (*at == ';' || *at == '\n' || *at == '\r')
            *at = ',';
    return copy;
}

/* Parents stand before their children, so their stacks are there already. */
void recording_folded(struct arena *arena, const struct recording *recording, struct strbuf *out) {
    const char **stacks = ARENA_ARRAY(arena, recording->node_count + 1u, const char *);
    for (uint32_t i = 0; i < recording->node_count; i++) {
        const struct recording_node *node = &recording->nodes[i];
        const char *name = folded_name(arena, node->name);
        stacks[i] =
            node->parent < 0 ? name : arena_printf(arena, "%s;%s", stacks[node->parent], name);
        if (node->self_ns >= 500)
            strbuf_printf(out, "%s %.0f\n", stacks[i], node->self_ns / 1e3);
    }
}
