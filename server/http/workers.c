#include "server/http/workers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct http_workers {
    work_fn *work;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t change;
    void **ring;
    uint32_t first, waiting, waiting_max, running;
    bool stopping;
    uint32_t thread_count;
    pthread_t threads[];
};

static void *next_job(struct http_workers *workers) {
    void *job = workers->ring[workers->first];
    workers->first = (workers->first + 1) % workers->waiting_max;
    workers->waiting--;
    return job;
}

static void *work(void *given) {
    struct http_workers *workers = given;
    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        while (!workers->stopping && workers->waiting == 0)
            pthread_cond_wait(&workers->change, &workers->mutex);
        if (workers->stopping)
            break;
        void *job = next_job(workers);
        workers->running++;
        pthread_mutex_unlock(&workers->mutex);
        workers->work(job, false);
        pthread_mutex_lock(&workers->mutex);
        workers->running--;
        pthread_cond_broadcast(&workers->change);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

static void delete (struct http_workers *workers) {
    for (uint32_t i = 0; i < workers->thread_count; i++)
        pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->change);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->ring);
    free(workers);
}

int http_workers_new(uint32_t threads, uint32_t waiting_max, work_fn *run,
                     struct http_workers **made, struct err *err) {
    struct http_workers *workers = calloc(1, sizeof *workers + threads * sizeof(pthread_t));
    void **ring = calloc(waiting_max, sizeof *ring);
    if (!workers || !ring)
        abort();
    workers->work = run;
    workers->ring = ring;
    workers->waiting_max = waiting_max;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&workers->change, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&workers->mutex, NULL);
    *made = workers;
    for (; workers->thread_count < threads; workers->thread_count++) {
        int failed = pthread_create(&workers->threads[workers->thread_count], NULL, work, workers);
        if (failed == 0)
            continue;
        http_workers_stop(workers, 0);
        return err_set(err, ERR_ENVIRONMENT, "cannot start a thread: %s", strerror(failed));
    }
    return 0;
}

bool http_workers_submit(struct http_workers *workers, void *job) {
    pthread_mutex_lock(&workers->mutex);
    bool taken = !workers->stopping && workers->waiting < workers->waiting_max;
    if (taken) {
        workers->ring[(workers->first + workers->waiting++) % workers->waiting_max] = job;
        pthread_cond_signal(&workers->change);
    }
    pthread_mutex_unlock(&workers->mutex);
    return taken;
}

uint32_t http_workers_stop(struct http_workers *workers, uint64_t until_ns) {
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->change);
    while (workers->waiting)
        workers->work(next_job(workers), true);
    while (workers->running &&
           pthread_cond_timedwait(&workers->change, &workers->mutex, &until) == 0)
        ;
    uint32_t running = workers->running;
    pthread_mutex_unlock(&workers->mutex);
    if (running == 0)
        delete (workers);
    return running;
}
