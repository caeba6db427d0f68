#include "collectors/record/mend.h"

#include "collectors/kernfs.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

struct range {
    unsigned long long start, end;
};

/* Where the kernel sends returns: proc_pid_maps(5) names it. */
static bool find_trampoline(pid_t pid, struct range *out) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool found = false;
    while (maps && !found && fgets(line, sizeof line, maps))
        found = strstr(line, "[uprobes]") && sscanf(line, "%llx-%llx", &out->start, &out->end) == 2;
    if (maps)
        fclose(maps);
    return found;
}

static void mend_frame(pid_t pid, const struct probe_frame *frame, const struct range *trampoline) {
    uint64_t word = 0;
    struct iovec here = {&word, sizeof word},
                 there = {(void *)(uintptr_t)frame->place, sizeof word};
    if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)sizeof word ||
        word < trampoline->start || word >= trampoline->end)
        return;
    word = frame->back;
    process_vm_writev(pid, &here, 1, &there, 1, 0);
}

void mend_thread(pid_t pid, const struct probe_frames *frames) {
    struct range trampoline;
    if (!find_trampoline(pid, &trampoline))
        return;
    /* From the innermost on: where two calls share a place (the second was jumped to at the end of
     * the first), the first one's address is the true one and must be written last. */
    for (uint64_t i = frames->depth < PROBE_DEPTH_MAX ? frames->depth : PROBE_DEPTH_MAX; i-- > 0;)
        if (frames->items[i].back < trampoline.start || frames->items[i].back >= trampoline.end)
            mend_frame(pid, &frames->items[i], &trampoline);
}

/* proc_pid_stat(5): the state stands behind the name in parentheses. One that waits for a disk (D)
 * is in no guard, and one that is gone cannot run. */
static bool may_run(pid_t pid, const char *tid) {
    char text[512];
    if (!kernfs_read("", text, sizeof text, "/proc/%d/task/%s/stat", (int)pid, tid))
        return false;
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && strchr("RSI", name_end[2]);
}

static bool is_stopped(pid_t pid) {
    char path[64];
    bool stopped = true;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && stopped && (entry = readdir(folder));)
        stopped = entry->d_name[0] == '.' || !may_run(pid, entry->d_name);
    if (folder)
        closedir(folder);
    return stopped;
}

void mend_await_stop(pid_t pid) {
    static const struct timespec pause = {0, 20000};
    enum { TRIES = 2000 }; /* somebody else may have let it go on */
    for (int i = 0; i < TRIES && !is_stopped(pid); i++)
        nanosleep(&pause, NULL);
}
