/* Rates asked from Prometheus, in a thread of its own. A failure leaves the last rate as it is: it
 * grows old and is told to be stale, and never becomes 0. */
#include "server/service/parts.h"

#include "server/service/scrape.h"

#include <string.h>

static void scrape_model(struct serving *service, struct arena *arena, const char *model,
                         struct err *first) {
    const struct scrape_request request = {service->options.prometheus_url,
                                           service->options.prometheus_query, model,
                                           service->options.scrape_timeout_s};
    struct err err = {0};
    struct observation_sample sample = {.source = OBSERVED_SCRAPED};
    service_count(service, COUNT_SCRAPES);
    if (scrape_rate(arena, &request, &sample.rate_per_second, &err) == 0) {
        sample.ended_s = service_now(service).steady_s;
        service_observe(service, model, &sample, &err);
    }
    if (err.code == ERR_OK)
        return;
    service_count(service, COUNT_SCRAPE_FAILURES);
    if (first->code == ERR_OK)
        *first = err;
}

void service_scrape(struct serving *service) {
    struct arena arena;
    struct err first = {0};
    struct answers *answers = service_answers(service);
    arena_init(&arena);
    for (uint32_t i = 0; i < answers->count; i++) {
        const char *name = answers->rows[i].answer->name;
        bool again = i > 0 && strcmp(answers->rows[i - 1].answer->name, name) == 0;
        if (!again && !service_sleep(service, 0))
            scrape_model(service, &arena, name, &first);
    }
    answers_release(answers);
    arena_done(&arena);
    service_trouble(service, &service->scraping, first.code == ERR_OK ? NULL : first.message);
}

void *service_scrape_thread(void *context) {
    struct serving *service = context;
    do
        service_scrape(service);
    while (!service_sleep(service, service->options.scrape_s));
    return NULL;
}
