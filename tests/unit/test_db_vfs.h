/* A layer between SQLite and the file system (a "VFS shim", sqlite.org/vfs.html) that fails the
 * k-th writing call, and one that keeps a log of what was written, so that the disk can be rebuilt
 * as a power loss could have left it. */
#ifndef ASSAY_TEST_DB_VFS_H
#define ASSAY_TEST_DB_VFS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum disk_event_kind { DISK_WRITE, DISK_TRUNCATE, DISK_SYNC, DISK_DELETE, DISK_TOLD };
enum disk_file { DISK_MAIN, DISK_WAL, DISK_JOURNAL, DISK_FILES, DISK_OTHER };

struct disk_event {
    enum disk_event_kind kind;
    enum disk_file file;
    int64_t offset; /* DISK_TRUNCATE: the new size; DISK_TOLD: the id of an acknowledged run */
    size_t count;
    unsigned char *bytes;
};

/* What the shim does; tests set it. */
struct disk {
    sqlite3_vfs shim, *real;
    long fail_after; /* this many writing calls still succeed; negative: all */
    bool for_good;   /* fails from then on, else once */
    int failure;     /* SQLITE_FULL, SQLITE_IOERR_WRITE */
    bool failed;     /* at least one call was failed */
    bool logging;
    struct disk_event *events;
    size_t event_count, event_capacity;
};

static struct disk disk = {.fail_after = -1};

struct disk_handle {
    sqlite3_file base;
    enum disk_file file;
    bool shared_memory;
    sqlite3_file *real; /* stands behind this struct */
};

static inline sqlite3_file *disk_real(sqlite3_file *file) {
    return ((struct disk_handle *)file)->real;
}

static inline void disk_log(enum disk_event_kind kind, enum disk_file file, int64_t offset,
                            const void *bytes, size_t count) {
    if (!disk.logging || file == DISK_OTHER)
        return;
    if (disk.event_count == disk.event_capacity) {
        disk.event_capacity = disk.event_capacity * 2 + 256;
        disk.events = realloc(disk.events, disk.event_capacity * sizeof *disk.events);
    }
    struct disk_event *event = &disk.events[disk.event_count++];
    *event = (struct disk_event){kind, file, offset, count, malloc(count + 1)};
    if (count > 0)
        memcpy(event->bytes, bytes, count);
}

static inline bool disk_fails(void) {
    if (disk.fail_after < 0)
        return false;
    if (disk.fail_after > 0) {
        disk.fail_after--;
        return false;
    }
    if (!disk.for_good)
        disk.fail_after = -1;
    disk.failed = true;
    return true;
}

static inline int disk_close(sqlite3_file *file) {
    return disk_real(file)->pMethods->xClose(disk_real(file));
}

static inline int disk_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    return disk_real(file)->pMethods->xRead(disk_real(file), bytes, count, offset);
}

static inline int disk_write(sqlite3_file *file, const void *bytes, int count,
                             sqlite3_int64 offset) {
    if (disk_fails())
        return disk.failure;
    disk_log(DISK_WRITE, ((struct disk_handle *)file)->file, offset, bytes, (size_t)count);
    return disk_real(file)->pMethods->xWrite(disk_real(file), bytes, count, offset);
}

static inline int disk_truncate(sqlite3_file *file, sqlite3_int64 size) {
    if (disk_fails())
        return disk.failure == SQLITE_FULL ? SQLITE_FULL : SQLITE_IOERR_TRUNCATE;
    disk_log(DISK_TRUNCATE, ((struct disk_handle *)file)->file, size, NULL, 0);
    return disk_real(file)->pMethods->xTruncate(disk_real(file), size);
}

static inline int disk_sync(sqlite3_file *file, int flags) {
    if (disk_fails())
        return SQLITE_IOERR_FSYNC;
    disk_log(DISK_SYNC, ((struct disk_handle *)file)->file, 0, NULL, 0);
    return disk_real(file)->pMethods->xSync(disk_real(file), flags);
}

static inline int disk_size(sqlite3_file *file, sqlite3_int64 *size) {
    return disk_real(file)->pMethods->xFileSize(disk_real(file), size);
}

static inline int disk_lock(sqlite3_file *file, int lock) {
    return disk_real(file)->pMethods->xLock(disk_real(file), lock);
}

static inline int disk_unlock(sqlite3_file *file, int lock) {
    return disk_real(file)->pMethods->xUnlock(disk_real(file), lock);
}

static inline int disk_reserved(sqlite3_file *file, int *reserved) {
    return disk_real(file)->pMethods->xCheckReservedLock(disk_real(file), reserved);
}

static inline int disk_control(sqlite3_file *file, int op, void *argument) {
    return disk_real(file)->pMethods->xFileControl(disk_real(file), op, argument);
}

static inline int disk_sector(sqlite3_file *file) {
    return disk_real(file)->pMethods->xSectorSize(disk_real(file));
}

static inline int disk_device(sqlite3_file *file) {
    return disk_real(file)->pMethods->xDeviceCharacteristics(disk_real(file));
}

static inline int disk_shm_map(sqlite3_file *file, int page, int size, int extend,
                               void volatile **at) {
    return disk_real(file)->pMethods->xShmMap(disk_real(file), page, size, extend, at);
}

static inline int disk_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return disk_real(file)->pMethods->xShmLock(disk_real(file), offset, count, flags);
}

static inline void disk_shm_barrier(sqlite3_file *file) {
    disk_real(file)->pMethods->xShmBarrier(disk_real(file));
}

static inline int disk_shm_unmap(sqlite3_file *file, int remove_it) {
    return disk_real(file)->pMethods->xShmUnmap(disk_real(file), remove_it);
}

static const sqlite3_io_methods disk_methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_reserved,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_device,
    .xShmMap = disk_shm_map,
    .xShmLock = disk_shm_lock,
    .xShmBarrier = disk_shm_barrier,
    .xShmUnmap = disk_shm_unmap,
};

static inline enum disk_file disk_file_of(int flags) {
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0)
        return DISK_MAIN;
    if ((flags & SQLITE_OPEN_WAL) != 0)
        return DISK_WAL;
    return (flags & SQLITE_OPEN_MAIN_JOURNAL) != 0 ? DISK_JOURNAL : DISK_OTHER;
}

static inline int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                            int *out_flags) {
    struct disk_handle *handle = (struct disk_handle *)file;
    (void)vfs;
    handle->file = disk_file_of(flags);
    handle->real = (sqlite3_file *)(handle + 1);
    int status = disk.real->xOpen(disk.real, name, handle->real, flags, out_flags);
    handle->base.pMethods = handle->real->pMethods != NULL ? &disk_methods : NULL;
    return status;
}

static inline int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_folder) {
    size_t length = strlen(name);
    (void)vfs;
    if (disk_fails())
        return SQLITE_IOERR_DELETE;
    if (length > 4 && strcmp(name + length - 4, "-wal") == 0)
        disk_log(DISK_DELETE, DISK_WAL, 0, NULL, 0);
    else if (length > 8 && strcmp(name + length - 8, "-journal") == 0)
        disk_log(DISK_DELETE, DISK_JOURNAL, 0, NULL, 0);
    return disk.real->xDelete(disk.real, name, sync_folder);
}

static inline void disk_install(void) {
    disk.real = sqlite3_vfs_find(NULL);
    disk.shim = *disk.real;
    disk.shim.zName = "assay-test";
    disk.shim.szOsFile = (int)sizeof(struct disk_handle) + disk.real->szOsFile;
    disk.shim.xOpen = disk_open;
    disk.shim.xDelete = disk_delete;
    sqlite3_vfs_register(&disk.shim, 1);
}

#endif
