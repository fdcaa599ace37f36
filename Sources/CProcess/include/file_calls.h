/// Calls on files that Swift's Glibc module does not show, because glibc declares them for _GNU_SOURCE only.
///
/// Both return 0 or a positive errno.
#ifndef FILE_CALLS_H
#define FILE_CALLS_H

#include <stdint.h>

/// renameat2(2) with RENAME_NOREPLACE: EEXIST where the new name is taken, EINVAL where the file system cannot do it,
/// ENOSYS where the kernel cannot.
int file_rename_exclusively(int old_directory, const char *old_name, int new_directory, const char *new_name);

/// fallocate(2) with mode 0: blocks for `length` bytes from the start. EOPNOTSUPP where the file system cannot.
int file_allocate(int descriptor, int64_t length);

#endif
