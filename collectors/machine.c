#include "collectors/machine.h"

#include "base/sha256.h"
#include "collectors/kernfs.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUINFO_SIZE = 16384 }; /* the first CPU's lines */

/* ---- the CPU -------------------------------------------------------------------------------- */

/* Extensions that numerical kernels choose by, as /proc/cpuinfo spells them. */
static const char *const extensions[] = {
    "sse4_2",   "avx",      "f16c",     "fma",         "avx2",        "avx_vnni",
    "avx512f",  "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16",
    "amx_tile", "amx_int8", "amx_bf16", "asimd",       "asimdhp",     "asimddp",
    "sve",      "sve2",     "i8mm",     "bf16",        "sme",         "rvv",
};

/* Designs by what cpuinfo says of them; hypervisors often blank the model name. */
struct design {
    const char *vendor;                       /* vendor_id, or "CPU implementer" */
    unsigned family, first_model, last_model; /* family 0: "CPU part" in first_model */
    const char *name;
};

static const struct design designs[] = {
    {"GenuineIntel", 6,  0x3f,  0x3f,  "Haswell"        },
    {"GenuineIntel", 6,  0x4f,  0x4f,  "Broadwell"      },
    {"GenuineIntel", 6,  0x56,  0x56,  "Broadwell"      },
    {"GenuineIntel", 6,  0x55,  0x55,  "Skylake"        },
    {"GenuineIntel", 6,  0x5e,  0x5e,  "Skylake"        },
    {"GenuineIntel", 6,  0x6a,  0x6c,  "Ice Lake"       },
    {"GenuineIntel", 6,  0x8f,  0x8f,  "Sapphire Rapids"},
    {"GenuineIntel", 6,  0xcf,  0xcf,  "Emerald Rapids" },
    {"GenuineIntel", 6,  0xad,  0xae,  "Granite Rapids" },
    {"GenuineIntel", 6,  0xaf,  0xaf,  "Sierra Forest"  },
    {"AuthenticAMD", 23, 0x00,  0x2f,  "Zen"            },
    {"AuthenticAMD", 23, 0x30,  0xff,  "Zen 2"          },
    {"AuthenticAMD", 25, 0x00,  0x0f,  "Zen 3"          },
    {"AuthenticAMD", 25, 0x10,  0x1f,  "Zen 4"          },
    {"AuthenticAMD", 25, 0x20,  0x5f,  "Zen 3"          },
    {"AuthenticAMD", 25, 0x60,  0xaf,  "Zen 4"          },
    {"AuthenticAMD", 26, 0x00,  0xff,  "Zen 5"          },
    {"0x41",         0,  0xd03, 0xd03, "Cortex-A53"     },
    {"0x41",         0,  0xd07, 0xd07, "Cortex-A57"     },
    {"0x41",         0,  0xd08, 0xd08, "Cortex-A72"     },
    {"0x41",         0,  0xd0b, 0xd0b, "Cortex-A76"     },
    {"0x41",         0,  0xd0c, 0xd0c, "Neoverse N1"    },
    {"0x41",         0,  0xd40, 0xd40, "Neoverse V1"    },
    {"0x41",         0,  0xd49, 0xd49, "Neoverse N2"    },
    {"0x41",         0,  0xd4f, 0xd4f, "Neoverse V2"    },
    {"0x41",         0,  0xd84, 0xd84, "Neoverse V3"    },
    {"0xc0",         0,  0xac3, 0xac4, "AmpereOne"      },
};

static unsigned field_unsigned(const char *text, const char *key) {
    char value[32];
    return kernfs_field(text, key, value, sizeof value) ? (unsigned)strtoul(value, NULL, 0) : 0;
}

static const char *design_name(const char *cpuinfo) {
    char vendor[32];
    bool arm = !kernfs_field(cpuinfo, "vendor_id", vendor, sizeof vendor) &&
               kernfs_field(cpuinfo, "CPU implementer", vendor, sizeof vendor);
    unsigned family = arm ? 0 : field_unsigned(cpuinfo, "cpu family");
    unsigned model = field_unsigned(cpuinfo, arm ? "CPU part" : "model");
    for (size_t i = 0; i < sizeof designs / sizeof *designs; i++) {
        const struct design *design = &designs[i];
        if (strcmp(design->vendor, vendor) == 0 && design->family == family &&
            model >= design->first_model && model <= design->last_model)
            return design->name;
    }
    return NULL;
}

/* Takes out what says nothing: "(R)", "(TM)", "CPU", "Processor", "@ 2.30GHz", doubled blanks. */
static void tidy(char *name) {
    static const char *const noise[] = {"(R)", "(TM)", "(tm)", " CPU", " Processor"};
    char *at = strchr(name, '@');
    if (at)
        *at = '\0';
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        while ((at = strstr(name, noise[i])))
            memmove(at, at + strlen(noise[i]), strlen(at + strlen(noise[i])) + 1);
    char *to = name;
    for (const char *from = name; *from; from++)
        if (*from != ' ' || (to > name && to[-1] != ' '))
            *to++ = *from;
    while (to > name && to[-1] == ' ')
        to--;
    *to = '\0';
}

static void describe_cpu(const char *cpuinfo, struct machine *machine) {
    char name[64];
    const char *design = design_name(cpuinfo);
    if (!kernfs_field(cpuinfo, "model name", name, sizeof name))
        kernfs_field(cpuinfo, "Model", name, sizeof name);
    tidy(name);
    if (name[0] && design)
        snprintf(machine->cpu, sizeof machine->cpu, "%s (%s)", name, design);
    else
        snprintf(machine->cpu, sizeof machine->cpu, "%s",
                 name[0] ? name : (design ? design : "unknown CPU"));
}

static bool has_word(const char *words, const char *word) {
    size_t length = strlen(word);
    for (const char *at = strstr(words, word); at; at = strstr(at + 1, word))
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

static void describe_extensions(const char *flags, struct machine *machine) {
    size_t used = 0;
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (!has_word(flags, extensions[i]))
            continue;
        int length = snprintf(machine->isa + used, sizeof machine->isa - used, "%s%s",
                              used ? " " : "", extensions[i]);
        if (length < 0 || (size_t)length >= sizeof machine->isa - used)
            return;
        used += (size_t)length;
    }
}

/* ---- caches --------------------------------------------------------------------------------- */

static void caches_from_sysfs(const char *root, struct machine *machine) {
    for (unsigned index = 0; index < 8; index++) {
        static const char folder[] = "/sys/devices/system/cpu/cpu0/cache";
        char type[32], size[32];
        uint64_t level = kernfs_number(root, 0, "%s/index%u/level", folder, index);
        if (level < 1 || level > MACHINE_CACHE_LEVELS ||
            !kernfs_read(root, type, sizeof type, "%s/index%u/type", folder, index) ||
            !kernfs_read(root, size, sizeof size, "%s/index%u/size", folder, index) ||
            strcmp(type, "Instruction") == 0)
            continue;
        char *unit;
        uint64_t bytes = strtoull(size, &unit, 10);
        bytes <<= *unit == 'K' ? 10 : *unit == 'M' ? 20 : *unit == 'G' ? 30 : 0;
        machine->cache_bytes[level - 1] = bytes;
    }
}

#if defined(__x86_64__)

struct registers {
    uint32_t eax, ebx, ecx, edx;
};

static struct registers cpuid(uint32_t leaf, uint32_t subleaf) {
    struct registers r = {.eax = leaf, .ecx = subleaf};
    __asm__ volatile("cpuid" : "+a"(r.eax), "=b"(r.ebx), "+c"(r.ecx), "=d"(r.edx));
    return r;
}

/* Deterministic cache parameters: leaf 4 (Intel SDM 2A, CPUID), the same layout in 0x8000001D
 * (AMD APM 3, appendix E.4.15). */
static void caches_from_cpu(struct machine *machine) {
    bool amd = cpuid(0, 0).ecx == 0x444d4163; /* "cAMD" */
    uint32_t leaf = amd ? 0x8000001d : 4, base = leaf & 0x80000000;
    if (cpuid(base, 0).eax < leaf)
        return;
    for (uint32_t i = 0; i < 8; i++) {
        struct registers r = cpuid(leaf, i);
        uint32_t type = r.eax & 31, level = r.eax >> 5 & 7;
        if (type == 0)
            return;
        if (type == 2 || level < 1 || level > MACHINE_CACHE_LEVELS) /* 2: instructions */
            continue;
        uint64_t ways = (r.ebx >> 22) + 1, parts = (r.ebx >> 12 & 1023) + 1;
        uint64_t line = (r.ebx & 4095) + 1, sets = (uint64_t)r.ecx + 1;
        machine->cache_bytes[level - 1] = ways * parts * line * sets;
    }
}

/* Leaf 0x40000000 carries the hypervisor's signature in EBX, ECX, EDX. */
static void hypervisor_from_cpu(char *name, size_t size) {
    static const struct {
        const char *signature, *name;
    } known[] = {
        {"KVMKVMKVM",    "kvm"      },
        {"Microsoft Hv", "hyperv"   },
        {"VMwareVMware", "vmware"   },
        {"XenVMMXenVMM", "xen"      },
        {"TCGTCGTCGTCG", "qemu"     },
        {"bhyve bhyve ", "bhyve"    },
        {"ACRNACRNACRN", "acrn"     },
        {" lrpepyh  vr", "parallels"},
        {"Linux KVM Hv", "kvm"      },
    };
    if (!(cpuid(1, 0).ecx >> 31))
        return;
    struct registers r = cpuid(0x40000000, 0);
    char signature[13] = "";
    memcpy(signature, &r.ebx, 4);
    memcpy(signature + 4, &r.ecx, 4);
    memcpy(signature + 8, &r.edx, 4);
    snprintf(name, size, "virtual");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].signature, signature) == 0)
            snprintf(name, size, "%s", known[i].name);
}

#else

static void caches_from_cpu(struct machine *machine) {
    (void)machine;
}

static void hypervisor_from_cpu(char *name, size_t size) {
    (void)name;
    (void)size;
}

#endif

static void describe_virtualisation(const char *root, const char *flags, struct machine *machine) {
    static const struct {
        const char *vendor, *name;
    } known[] = {
        {"QEMU",       "kvm"       },
        {"Amazon EC2", "kvm"       },
        {"Google",     "kvm"       },
        {"Microsoft",  "hyperv"    },
        {"VMware",     "vmware"    },
        {"Xen",        "xen"       },
        {"innotek",    "virtualbox"},
        {"Parallels",  "parallels" },
    };
    char *name = machine->virtualisation;
    size_t size = sizeof machine->virtualisation;
    char vendor[64];
    if (!root[0])
        hypervisor_from_cpu(name, size);
    if (!name[0])
        kernfs_read(root, name, size, "/sys/hypervisor/type");
    if (name[0] || !has_word(flags, "hypervisor"))
        return;
    snprintf(name, size, "virtual");
    if (!kernfs_read(root, vendor, sizeof vendor, "/sys/class/dmi/id/sys_vendor"))
        return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(vendor, known[i].vendor))
            snprintf(name, size, "%s", known[i].name);
}

/* ---- limits of the control group ------------------------------------------------------------ */

static double quota_of(const struct cgroup_folder *folder) {
    double quota = 0, period = 0;
    if (folder->unified) {
        char text[64];
        if (!kernfs_read(folder->path, text, sizeof text, "/cpu.max") ||
            sscanf(text, "%lf %lf", &quota, &period) != 2)
            return 0;
    } else {
        quota = (double)kernfs_number(folder->path, 0, "/cpu.cfs_quota_us");
        period = (double)kernfs_number(folder->path, 0, "/cpu.cfs_period_us");
    }
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* A group's limit holds for its children too: the tightest on the way up counts. */
static double cpu_quota(const char *root) {
    struct cgroup_folder folder;
    double tightest = 0;
    if (!cgroup_folder_find(root, "cpu", &folder))
        return 0;
    do {
        double quota = quota_of(&folder);
        if (quota > 0 && (tightest == 0 || quota < tightest))
            tightest = quota;
    } while (cgroup_folder_up(&folder));
    return tightest;
}

/* Version 1 says "no limit" with a number near 2^63: anything not below `memory_bytes` is none. */
static uint64_t memory_limit(const char *root, uint64_t memory_bytes) {
    struct cgroup_folder folder;
    uint64_t tightest = memory_bytes;
    if (!cgroup_folder_find(root, "memory", &folder))
        return 0;
    do {
        uint64_t limit = kernfs_number(folder.path, UINT64_MAX, "%s",
                                       folder.unified ? "/memory.max" : "/memory.limit_in_bytes");
        if (limit < tightest)
            tightest = limit;
    } while (cgroup_folder_up(&folder));
    return tightest < memory_bytes ? tightest : 0;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void describe_cpu_counts(const char *root, struct machine *machine) {
    char status[8192], list[1024];
    if (kernfs_read(root, status, sizeof status, "/proc/self/status") &&
        kernfs_field(status, "Cpus_allowed_list", list, sizeof list))
        machine->cpus = kernfs_list_count(list);
    if (kernfs_read(root, list, sizeof list, "/sys/devices/system/cpu/online"))
        machine->cpus_online = kernfs_list_count(list);
    if (machine->cpus == 0)
        machine->cpus = machine->cpus_online ? machine->cpus_online : 1;
    if (machine->cpus_online == 0)
        machine->cpus_online = machine->cpus;
}

static void describe_kernel(const char *root, struct machine *machine) {
    char type[32], release[64], nodes[256];
    kernfs_read(root, type, sizeof type, "/proc/sys/kernel/ostype");
    kernfs_read(root, release, sizeof release, "/proc/sys/kernel/osrelease");
    snprintf(machine->kernel, sizeof machine->kernel, "%s%s%s", type, type[0] ? " " : "", release);
    kernfs_read(root, machine->governor, sizeof machine->governor,
                "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    machine->numa_nodes = 0;
    if (kernfs_read(root, nodes, sizeof nodes, "/sys/devices/system/node/online"))
        machine->numa_nodes = kernfs_list_count(nodes);
    if (machine->numa_nodes == 0)
        machine->numa_nodes = 1;
}

static uint64_t whole_gib(uint64_t bytes) {
    return (bytes + (UINT64_C(1) << 30) - 1) >> 30; /* the kernel keeps some of the last one */
}

void machine_label(const struct machine *machine, char *label, size_t size) {
    snprintf(label, size, "%s, %u CPU%s, %" PRIu64 " GiB", machine->cpu, machine->cpus_online,
             machine->cpus_online == 1 ? "" : "s", whole_gib(machine->memory_bytes));
}

void machine_identity(const struct machine *machine, char *text, size_t size) {
    const uint64_t *caches = machine->cache_bytes;
    snprintf(text, size,
             "cpu=%s\nisa=%s\ncpus=%u\ncpu_quota=%.2f\nmemory_gib=%" PRIu64
             "\nmemory_limit_mib=%" PRIu64 "\ncaches=%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
             "\nnuma_nodes=%u\nvirtualisation=%s\n",
             machine->cpu, machine->isa, machine->cpus_online, machine->cpu_quota,
             whole_gib(machine->memory_bytes), machine->memory_limit_bytes >> 20, caches[0],
             caches[1], caches[2], caches[3], machine->numa_nodes, machine->virtualisation);
}

int machine_describe_at(const char *root, struct machine *machine, struct err *err) {
    char cpuinfo[CPUINFO_SIZE], flags[4096], meminfo[4096], identity[1024];
    memset(machine, 0, sizeof *machine);
    if (!kernfs_read(root, cpuinfo, sizeof cpuinfo, "/proc/cpuinfo"))
        return err_set_errno(err, ERR_ENVIRONMENT, "%s/proc/cpuinfo", root);
    if (!kernfs_read(root, meminfo, sizeof meminfo, "/proc/meminfo"))
        return err_set_errno(err, ERR_ENVIRONMENT, "%s/proc/meminfo", root);
    if (!kernfs_field(cpuinfo, "flags", flags, sizeof flags))
        kernfs_field(cpuinfo, "Features", flags, sizeof flags);
    describe_cpu(cpuinfo, machine);
    describe_extensions(flags, machine);
    describe_cpu_counts(root, machine);
    describe_kernel(root, machine);
    describe_virtualisation(root, flags, machine);
    machine->memory_bytes = kernfs_field_number(meminfo, "MemTotal", 0) << 10;
    caches_from_sysfs(root, machine);
    if (!root[0] && machine->cache_bytes[0] == 0)
        caches_from_cpu(machine);
    machine->cpu_quota = cpu_quota(root);
    machine->memory_limit_bytes = memory_limit(root, machine->memory_bytes);
    machine_label(machine, machine->label, sizeof machine->label);
    machine_identity(machine, identity, sizeof identity);
    sha256_hex(identity, strlen(identity), machine->fingerprint);
    return 0;
}

int machine_describe(struct machine *machine, struct err *err) {
    return machine_describe_at("", machine, err);
}
