/* The process_* metrics that Prometheus' own client libraries give, from /proc/self. */
#include "server/http/metrics.h"
#include "server/metric_head.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat, counted from the state behind the name in brackets (proc(5)). */
enum { STAT_UTIME = 11, STAT_STIME = 12, STAT_START = 19, STAT_VSIZE = 20, STAT_RSS = 21, STATS };

static int read_stat(double values[static STATS + 1]) {
    char text[2048];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t length = file ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file)
        fclose(file);
    text[length] = '\0';
    const char *at = strrchr(text, ')');
    int field = 0;
    for (at = at ? at + 1 : ""; *at == ' ' && field <= STATS; field++) {
        at++;
        values[field] = 0;
        sscanf(at, "%lf", &values[field]);
        at += strcspn(at, " ");
    }
    return field > STAT_RSS ? 0 : -1;
}

static double boot_time(void) {
    char line[256];
    double seconds = 0;
    FILE *file = fopen("/proc/stat", "re");
    while (file && seconds == 0 && fgets(line, sizeof line, file))
        sscanf(line, "btime %lf", &seconds);
    if (file)
        fclose(file);
    return seconds;
}

static double open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    double count = -3; /* itself, . and .. */
    while (folder && readdir(folder))
        count++;
    if (folder)
        closedir(folder);
    return count > 0 ? count : 0;
}

static double most_descriptors(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

void process_metrics_print(bool open_metrics, struct strbuf *out) {
    double stat[STATS + 1];
    if (read_stat(stat) < 0)
        return;
    double ticks = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    const struct {
        const char *name, *type, *help;
        double value;
    } rows[] = {
        {"process_cpu_seconds_total",     "counter", "CPU time, user and system.",
         (stat[STAT_UTIME] + stat[STAT_STIME]) / ticks                                                           },
        {"process_resident_memory_bytes", "gauge",   "Memory that is resident.",
         stat[STAT_RSS] * page                                                                                   },
        {"process_virtual_memory_bytes",  "gauge",   "Memory that is mapped.",                 stat[STAT_VSIZE]  },
        {"process_open_fds",              "gauge",   "Open file descriptors.",                 open_descriptors()},
        {"process_max_fds",               "gauge",   "The most descriptors that may be open.", most_descriptors()},
        {"process_start_time_seconds",    "gauge",   "When it started, since 1970.",
         boot_time() + stat[STAT_START] / ticks                                                                  },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        metric_head(out, open_metrics, rows[i].name, rows[i].type, rows[i].help);
        strbuf_printf(out, "%s %.15g\n", rows[i].name, rows[i].value);
    }
}
