/* SHA-256 of files that were hashed before. A file is taken for the same while its path, device,
 * inode, size and both its times are (base/file.h), as Git's index does it; what was changed less
 * than two seconds before it was hashed is not kept.
 *
 * Writing the file, replacing it, and setting its times back all show in the time of change, which
 * only the kernel sets. What is left: a clock set back so that a later change falls on the same
 * nanosecond; who writes to the disk below the file system; a program that goes on writing through
 * a shared mapping of pages that it had dirtied before the stamp was taken; and file systems that
 * keep no time of change. So a digest from here is good to find again what this database holds of a
 * file. Where others are told what a file is, it is hashed. */
#ifndef ASSAY_DB_FILE_DIGEST_H
#define ASSAY_DB_FILE_DIGEST_H

#include "base/file.h"
#include "base/sha256.h"
#include "db/db.h"

#include <stdbool.h>

/* Of so many files, those hashed last: nobody tells when one is gone. */
enum { FILE_DIGESTS_MAX = 1000 };

/* path: absolute and without links, so that one file has one row. *known is false when nothing, or
 * something damaged, is stored of the file as `stamp` shows it. */
int db_recall_digest(struct db *db, const char *path, const struct file_stamp *stamp,
                     char sha256[static SHA256_HEX_SIZE], bool *known, struct err *err);

/* The stamp was taken before the file was hashed. Takes the place of what was kept of that path;
 * keeps nothing, and succeeds, when the stamp is not settled. */
int db_remember_digest(struct db *db, const char *path, const struct file_stamp *stamp,
                       const char *sha256, struct err *err);

#endif
