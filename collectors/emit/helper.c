#include "collectors/emit/emit.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

enum { SYNC_EVERY_S = 1 };

static void serve(struct lane *lane) {
    stream_unmap(atomic_exchange(&lane->written, NULL));
    if (!atomic_exchange(&lane->wanted, false) || atomic_load(&lane->next))
        return;
    stream_lock();
    if (!atomic_load(&lane->next))
        atomic_store(&lane->next, stream_segment(lane));
    stream_unlock();
}

/* Woken when a lane is half full; else once in a while to note what the clocks say. */
static void *help(void *unused) {
    (void)unused;
    for (;;) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SYNC_EVERY_S;
        bool asked = sem_timedwait(&emit.ask, &until) == 0;
        stream_lock();
        struct lane *lanes = emit.lanes;
        if (!asked && errno == ETIMEDOUT)
            stream_note_sync();
        stream_unlock();
        for (struct lane *lane = lanes; lane; lane = lane->older)
            serve(lane);
    }
    return NULL;
}

/* Without it segments are made when they are needed. It takes none of the program's signals. */
void helper_start(void) {
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sem_init(&emit.ask, 0, 0);
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, &attributes, help, NULL) == 0)
        pthread_setname_np(thread, "assay-hooks");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}
