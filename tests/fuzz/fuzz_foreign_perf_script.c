/* Any bytes as what perf script prints: see foreign_fuzz.h. */
#include "tests/fuzz/foreign_fuzz.h"

#include "collectors/foreign/perf_script.h"

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char *const seeds[] = {
        "# remark\nw  2489 22507.062184:    5025125 cpu-clock: \n"
        "\t            118d inner+0x44 (/usr/local/bin/spin)\n"
        "\t            11e4 [unknown] (/usr/lib/x.so)\n\n",
        "w  2519/2520 [001] 22509.617504:         probe_w:outer: (5558078b41bb)\n"
        "w  2519/2520 [001] 22509.617677: probe_w:outer__return: (5558078b41bb <- 5558078b4236)\n"
        "w  2519 [001] 22509.7: syscalls:sys_enter_read: fd: 3\n"
        "w  2519 [001] 22509.8: syscalls:sys_exit_read: 0x3\n"
        "w  2497 22508.268590:         65 page-faults:      7fbc6dc60b70 _start+0x0 (/ld.so)\n",
    };
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        char name[16];
        snprintf(name, sizeof name, "seed%zu", i);
        fuzz_seed(name, seeds[i], strlen(seeds[i]));
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file;
    struct foreign_request request = {.path = file.path};
    fuzz_file_fill(&file, data, size);
    fuzz_format(&foreign_perf_script, &request);
    return 0;
}
