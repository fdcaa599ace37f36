#define _GNU_SOURCE
#include "file_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

int file_rename_exclusively(int old_directory, const char *old_name, int new_directory, const char *new_name) {
  return renameat2(old_directory, old_name, new_directory, new_name, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

int file_allocate(int descriptor, int64_t length) {
  while (fallocate(descriptor, 0, 0, length) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}
