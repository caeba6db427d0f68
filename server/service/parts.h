/* Inside the service only: what it holds. */
#ifndef ASSAY_SERVER_SERVICE_PARTS_H
#define ASSAY_SERVER_SERVICE_PARTS_H

#include "server/service/desired.h"
#include "server/service/outlooks.h"
#include "server/service/service.h"

#include <pthread.h>

/* A trouble that is told once when it begins and once when it ends. */
struct trouble {
    const char *begins; /* "last answers stay, for the database cannot be read" */
    const char *ends;   /* "the database can be read again" */
    bool lasting;
};

struct serving {
    struct serving_options options;
    struct observations *observations;
    struct desired *desired;
    struct outlooks *outlooks;
    struct replicas_memory *memory;
    uint64_t counters[SERVICE_COUNTERS];

    pthread_mutex_t mutex;   /* of what follows, and for `changed` */
    pthread_cond_t changed;  /* stopping, or a place among the uploads came free */
    struct answers *answers; /* the present set */
    uint32_t uploads;
    bool stopping, unsaved;

    pthread_mutex_t round; /* held while the store is read or the state is written */
    double saved_s, saving_took_s, refreshed_s;
    struct trouble store, state, scraping;
    char boot_id[BOOT_ID_SIZE];

    pthread_t refresher, scraper;
    bool refreshing, scrapes;
};

/* Waits `seconds`, or until the service stops; true when it does. */
bool service_sleep(struct serving *service, double seconds);
/* `text` NULL: it ended. */
void service_trouble(struct serving *service, struct trouble *trouble, const char *text);
/* The thread that asks Prometheus, round after round. */
void *service_scrape_thread(void *service);
/* One round of it. */
void service_scrape(struct serving *service);

#endif
