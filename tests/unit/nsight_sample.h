/* A small export as Nsight Systems writes it, for tests and as a seed of fuzzing. */
#ifndef ASSAY_TESTS_UNIT_NSIGHT_SAMPLE_H
#define ASSAY_TESTS_UNIT_NSIGHT_SAMPLE_H

#include <sqlite3.h>

/* A machine's process 5, its thread 7; correlation 9 ties the launch to the kernel. */
#define NSIGHT_PID "83886080"
#define NSIGHT_TID "83886087"

#define NSIGHT_STRINGS                                                                             \
    "CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT);"                        \
    "INSERT INTO StringIds VALUES (1, 'gemm<float>(int)'), (2, 'cudaLaunchKernel_v7000'),"         \
    " (3, 'forward');"
#define NSIGHT_KERNELS                                                                             \
    "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start INTEGER NOT NULL, end INTEGER NOT NULL,"       \
    " deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL, streamId INTEGER NOT NULL,"           \
    " correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL,"                   \
    " shortName INTEGER NOT NULL);"                                                                \
    "INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (1000, 1500, 0, 1, 7, 9, " NSIGHT_PID           \
    ", 1, 1), (1600, 1700, 0, 1, 13, 10, " NSIGHT_PID ", 99, 1);"
#define NSIGHT_OTHERS                                                                              \
    "CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start INTEGER NOT NULL, end INTEGER NOT NULL,"       \
    " deviceId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid"      \
    " INTEGER, bytes INTEGER NOT NULL, copyKind INTEGER NOT NULL);"                                \
    "INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (100, 200, 0, 7, 8, " NSIGHT_PID ", 64, 1);"    \
    "CREATE TABLE CUPTI_ACTIVITY_KIND_MEMSET (start INTEGER NOT NULL, end INTEGER NOT NULL,"       \
    " deviceId INTEGER NOT NULL, streamId INTEGER NOT NULL, correlationId INTEGER, globalPid"      \
    " INTEGER, value INTEGER NOT NULL, bytes INTEGER NOT NULL);"                                   \
    "INSERT INTO CUPTI_ACTIVITY_KIND_MEMSET VALUES (300, 310, 0, 7, 0, " NSIGHT_PID ", 0, 64);"    \
    "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start INTEGER NOT NULL, end INTEGER NOT NULL,"      \
    " eventClass INTEGER NOT NULL, globalTid INTEGER, correlationId INTEGER, nameId INTEGER NOT"   \
    " NULL, returnValue INTEGER NOT NULL);"                                                        \
    "INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (900, 950, 0, " NSIGHT_TID ", 9, 2, 0);"       \
    "CREATE TABLE NVTX_EVENTS (start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL,"   \
    " text TEXT, globalTid INTEGER, textId INTEGER);"                                              \
    "INSERT INTO NVTX_EVENTS VALUES (0, 2000, 59, 'step', " NSIGHT_TID ", NULL),"                  \
    " (10, 1800, 60, NULL, " NSIGHT_TID ", 3), (20, NULL, 34, 'mark', " NSIGHT_TID ", NULL),"      \
    " (30, NULL, 59, 'open', " NSIGHT_TID ", NULL);"                                               \
    "CREATE TABLE TARGET_INFO_GPU (id INTEGER, name TEXT);"                                        \
    "INSERT INTO TARGET_INFO_GPU VALUES (0, 'NVIDIA A100');"                                       \
    "CREATE TABLE META_DATA_EXPORT (name TEXT, value TEXT);"                                       \
    "INSERT INTO META_DATA_EXPORT VALUES ('EXPORT_PRODUCT_VERSION', '2024.6.2');"

/* 0, or SQLite's code. */
static inline int nsight_sample(const char *path, const char *sql) {
    sqlite3 *db;
    int status = sqlite3_open(path, &db);
    if (status == SQLITE_OK)
        status = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return status;
}

#endif
