#include "collectors/exchange.h"

#include "collectors/lowered.h"

#include <stdlib.h>

int exchange_open(struct exchange *exchange, const char *name, const char *program,
                  const char *const *environment, struct err *err) {
    int code = worker_open(&exchange->worker, name, program, environment, err);
    const char *timeout = getenv("ASSAY_WORKER_TIMEOUT");
    if (!code && timeout && strtoul(timeout, NULL, 10) > 0)
        exchange->worker.timeout_ms = (uint32_t)(strtoul(timeout, NULL, 10) % 2000000) * 1000;
    return code;
}

static int take_samples(struct exchange *exchange, struct frame_cursor *in, struct err *err) {
    while (!in->failed && in->left) {
        struct sample sample;
        frame_get(in, &sample, sizeof sample);
        if (!in->failed && exchange->sink)
            exchange->sink->put(exchange->sink->context, &sample);
    }
    return in->failed ? err_set(err, ERR_BUG, "%s sent half a sample", exchange->worker.name) : 0;
}

static int take_text(struct exchange *exchange, struct frame_cursor *in) {
    exchange->text = frame_get_text(in, exchange->arena);
    if (exchange->text && exchange->text_count < EXCHANGE_TEXTS_MAX)
        exchange->texts[exchange->text_count++] = exchange->text;
    return 0;
}

static int take_frame(struct exchange *exchange, uint32_t kind, struct err *err) {
    struct frame_cursor in = {(const unsigned char *)exchange->worker.frame.text,
                              exchange->worker.frame.length, false};
    if (kind == REPLY_SAMPLES)
        return take_samples(exchange, &in, err);
    if (kind == REPLY_GRAPH)
        return lowered_read(exchange->arena, &in, &exchange->graph, err);
    if (kind == REPLY_TEXT)
        return take_text(exchange, &in);
    if (exchange->other)
        return exchange->other(exchange, kind, &in, err);
    return err_set(err, ERR_BUG, "%s sent a frame of kind %u", exchange->worker.name, kind);
}

static int receive(struct exchange *exchange, struct err *err) {
    for (;;) {
        uint32_t kind;
        int code = worker_receive(&exchange->worker, &kind, err);
        if (code || kind == WORKER_DONE)
            return code;
        code = take_frame(exchange, kind, err);
        if (code)
            return code;
    }
}

int exchange_ask(struct exchange *exchange, uint32_t kind, const struct request *request,
                 struct err *err) {
    struct strbuf out;
    strbuf_init(&out);
    request_put(&out, request);
    int code = worker_send(&exchange->worker, kind, out.text, out.length, err);
    strbuf_done(&out);
    return code ? code : receive(exchange, err);
}

int exchange_ask_number(struct exchange *exchange, uint32_t kind, uint32_t number,
                        struct err *err) {
    int code = worker_send(&exchange->worker, kind, &number, sizeof number, err);
    return code ? code : receive(exchange, err);
}

void exchange_end(struct exchange *exchange, bool at_once) {
    if (at_once)
        worker_kill(&exchange->worker);
    else
        worker_close(&exchange->worker);
}
