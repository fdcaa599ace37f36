// SPDX-License-Identifier: Apache-2.0

#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <nss.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// Headers older than the kernel may lack these; the numbers are the same on every architecture.
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4u
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1u
#endif

// MARK: Spawning

// The child of vfork(2) borrows the memory of its parent, which sleeps until execve or _exit. So errors are returned through
// plain variables, and between vfork and execve there are only system calls: no allocation, no lock, and no glibc wrapper
// that would involve the parent's other threads, as setuid and similar ones do (nptl(7)).
struct spawning {
  const struct process_specification *specification;
  pid_t parent;
  int first_free;
  volatile int error;
  volatile enum process_stage stage;
};

_Noreturn static void fail(struct spawning *spawning, enum process_stage stage) {
  spawning->error = errno != 0 ? errno : EINVAL;
  spawning->stage = stage;
  _exit(127);
}

// Handlers are not inherited through execve, but ignored signals are (signal(7)); all are reset to their defaults. It uses the
// raw system call, because glibc does not change the two signals that it reserves. SIG_DFL, no flags and an empty mask are all
// zeros, so their order does not matter.
static void reset_signals(void) {
  static const uint64_t standard[8] = {0};
  for (int number = 1; number < NSIG; number++) (void)syscall(SYS_rt_sigaction, number, standard, NULL, (NSIG - 1) / 8);
}

static void clear_signal_mask(void) {
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

// Copies every source above all targets first, so that no target overwrites a source that is still needed. Then marks all
// descriptors from 3 up as CLOEXEC, and dup2(2) puts the copies in place without that flag.
static void map_descriptors(struct spawning *spawning) {
  const struct process_specification *specification = spawning->specification;
  enum { maximum = 64 };
  int copies[maximum];
  if (specification->descriptor_count > maximum) {
    errno = E2BIG;
    fail(spawning, PROCESS_STAGE_DESCRIPTORS);
  }
  for (size_t i = 0; i < specification->descriptor_count; i++) {
    copies[i] = fcntl(specification->descriptors[i].source, F_DUPFD_CLOEXEC, spawning->first_free);
    if (copies[i] < 0) fail(spawning, PROCESS_STAGE_DESCRIPTORS);
  }
  if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) != 0) fail(spawning, PROCESS_STAGE_DESCRIPTORS);
  for (size_t i = 0; i < specification->descriptor_count; i++)
    if (dup2(copies[i], specification->descriptors[i].target) < 0) fail(spawning, PROCESS_STAGE_DESCRIPTORS);
}

static void set_limits(struct spawning *spawning) {
  const struct process_specification *specification = spawning->specification;
  for (size_t i = 0; i < specification->limit_count; i++) {
    const struct process_limit *limit = &specification->limits[i];
    struct rlimit value = {
        .rlim_cur = limit->soft == UINT64_MAX ? RLIM_INFINITY : (rlim_t)limit->soft,
        .rlim_max = limit->hard == UINT64_MAX ? RLIM_INFINITY : (rlim_t)limit->hard,
    };
    if (setrlimit((__rlimit_resource_t)limit->resource, &value) != 0) fail(spawning, PROCESS_STAGE_LIMITS);
  }
}

// Raw system calls, because the wrappers of glibc would change the identity of the parent's threads too.
static void set_identity(struct spawning *spawning) {
  const struct process_identity *identity = spawning->specification->identity;
  if (identity == NULL) return;
  if (syscall(SYS_setgroups, identity->group_count, identity->groups) != 0
      || syscall(SYS_setresgid, identity->group, identity->group, identity->group) != 0
      || syscall(SYS_setresuid, identity->user, identity->user, identity->user) != 0)
    fail(spawning, PROCESS_STAGE_IDENTITY);
}

// Set after the change of identity, which clears it. A parent that ended before sends no signal, so the parent is checked
// afterwards.
static void set_death_signal(struct spawning *spawning) {
  int death_signal = spawning->specification->death_signal;
  if (death_signal == 0) return;
  if (prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal, 0ul, 0ul, 0ul) != 0)
    fail(spawning, PROCESS_STAGE_DEATH_SIGNAL);
  if (getppid() != spawning->parent) {
    errno = ESRCH;
    fail(spawning, PROCESS_STAGE_DEATH_SIGNAL);
  }
}

_Noreturn static void become(struct spawning *spawning) {
  const struct process_specification *specification = spawning->specification;
  reset_signals();
  if (specification->new_session && setsid() < 0) fail(spawning, PROCESS_STAGE_SESSION);
  map_descriptors(spawning);
  set_limits(spawning);
  set_identity(spawning);
  if (specification->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul) != 0)
    fail(spawning, PROCESS_STAGE_IDENTITY);
  set_death_signal(spawning);
  if (specification->directory != NULL && chdir(specification->directory) != 0)
    fail(spawning, PROCESS_STAGE_DIRECTORY);
  clear_signal_mask();
  execve(specification->path, specification->arguments, specification->environment);
  fail(spawning, PROCESS_STAGE_EXECUTE);
}

static int first_free_descriptor(const struct process_specification *specification) {
  int highest = 2;
  for (size_t i = 0; i < specification->descriptor_count; i++)
    if (specification->descriptors[i].target > highest) highest = specification->descriptors[i].target;
  return highest + 1;
}

// Signals stay blocked during vfork: a handler of the parent must not run in the child, which shares the parent's memory.
static pid_t fork_and_become(struct spawning *spawning) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = vfork();
  if (pid == 0) become(spawning);
  int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  errno = error;
  return pid;
}

static void reap_blocking(pid_t pid) {
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
  }
}

int process_spawn(const struct process_specification *specification, struct process_started *started) {
  struct spawning spawning = {
      .specification = specification,
      .parent = getpid(),
      .first_free = first_free_descriptor(specification),
      .error = 0,
      .stage = PROCESS_STAGE_VFORK,
  };
  started->pid = -1;
  started->pidfd = -1;
  pid_t pid = fork_and_become(&spawning);
  started->stage = spawning.stage;
  if (pid < 0) return errno;
  if (spawning.error != 0) {
    reap_blocking(pid);
    return spawning.error;
  }
  int pidfd = process_open_pidfd(pid);
  if (pidfd < 0) {
    (void)kill(pid, SIGKILL);
    reap_blocking(pid);
    started->stage = PROCESS_STAGE_PIDFD;
    return -pidfd;
  }
  started->pid = pid;
  started->pidfd = pidfd;
  return 0;
}

int process_reap(pid_t pid, struct process_exit *result) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  result->ended = false;
  result->signaled = false;
  result->value = 0;
  int outcome;
  do {
    outcome = waitid(P_PID, (id_t)pid, &information, WEXITED | WNOHANG);
  } while (outcome != 0 && errno == EINTR);
  if (outcome != 0) return errno;
  if (information.si_pid == 0) return 0;
  result->ended = true;
  result->signaled = information.si_code != CLD_EXITED;
  result->value = information.si_status;
  return 0;
}

pid_t process_next_ended(void) {
  siginfo_t information;
  memset(&information, 0, sizeof information);
  int outcome;
  do {
    outcome = waitid(P_ALL, 0, &information, WEXITED | WNOHANG | WNOWAIT);
  } while (outcome != 0 && errno == EINTR);
  return outcome == 0 ? information.si_pid : 0;
}

int process_open_pidfd(pid_t pid) {
  long descriptor = syscall(SYS_pidfd_open, pid, 0u);
  return descriptor < 0 ? -errno : (int)descriptor;
}

int process_signal_pidfd(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u) == 0 ? 0 : errno;
}

// MARK: Sockets and pipes

int socket_peer_credentials(int descriptor, struct peer_credentials *credentials) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return errno;
  if (length != sizeof peer) return EINVAL;
  credentials->user = peer.uid;
  credentials->group = peer.gid;
  credentials->pid = peer.pid;
  return 0;
}

int pipe_open(int *read_end, int *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  // Each end has its own open file description, so the write end stays blocking.
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    return error;
  }
  *read_end = ends[0];
  *write_end = ends[1];
  return 0;
}

int socket_pair(int *first, int *second) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return errno;
  *first = ends[0];
  *second = ends[1];
  return 0;
}

int socket_accept(int descriptor) {
  int accepted;
  do {
    accepted = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  } while (accepted < 0 && errno == EINTR);
  return accepted < 0 ? -errno : accepted;
}

int64_t socket_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  memset(&control, 0, sizeof control);
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ssize_t sent;
  do {
    sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : sent;
}

int64_t socket_receive_descriptors(
    int socket, void *buffer, size_t count, int *descriptors, size_t capacity, size_t *found) {
  enum { maximum = 16 };
  struct iovec part = {.iov_base = buffer, .iov_len = count};
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(maximum * sizeof(int))];
  } control;
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control.space};
  *found = 0;
  ssize_t received;
  do {
    received = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (received < 0 && errno == EINTR);
  if (received < 0) return -errno;
  for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    size_t carried = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < carried; i++) {
      int descriptor;
      memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
      if (*found < capacity) {
        descriptors[(*found)++] = descriptor;
      } else {
        close(descriptor);
      }
    }
  }
  return received;
}

// MARK: Directories

int directory_watch_open(void) {
  int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return watch < 0 ? -errno : watch;
}

int directory_watch_add(int watch, const char *path) {
  const uint32_t events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
  return inotify_add_watch(watch, path, events | IN_ONLYDIR) < 0 ? errno : 0;
}

void directory_watch_drain(int watch) {
  char events[4096];
  while (read(watch, events, sizeof events) > 0 || errno == EINTR) {
  }
}

// MARK: Signals

int signals_open(const int *signals, size_t count) {
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < count; i++) sigaddset(&set, signals[i]);
  int error = pthread_sigmask(SIG_BLOCK, &set, NULL);
  if (error != 0) return -error;
  int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  return descriptor < 0 ? -errno : descriptor;
}

int signals_next(int descriptor) {
  struct signalfd_siginfo information;
  ssize_t length;
  do {
    length = read(descriptor, &information, sizeof information);
  } while (length < 0 && errno == EINTR);
  return length == (ssize_t)sizeof information ? (int)information.ssi_signo : 0;
}

// MARK: Files

int file_rename_exclusively(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

// struct open_how and RESOLVE_NO_SYMLINKS of linux/openat2.h, which older headers lack.
struct open_parameters {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
static const uint64_t resolve_no_symlinks = 0x04;

int file_open_without_links(const char *path, int flags) {
  if (path[0] != '/') return -EINVAL;
  const struct open_parameters how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve_no_symlinks};
  long descriptor = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
  if (descriptor >= 0) return (int)descriptor;
  // Kernels before 5.6 lack the call, and seccomp filters of that time refuse it.
  if (errno == ENOSYS || errno == EPERM) return file_open_by_segments(path, flags);
  return -errno;
}

int file_open_by_segments(const char *path, int flags) {
  if (path[0] != '/') return -EINVAL;
  const int through = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int directory = open("/", through);
  while (directory >= 0) {
    path += strspn(path, "/");
    size_t length = strcspn(path, "/");
    char name[256] = ".";
    if (length >= sizeof name) {
      close(directory);
      return -ENAMETOOLONG;
    }
    if (length > 0) memcpy(name, path, length);
    path += length;
    bool is_last = *path == '\0';
    int next = openat(directory, name, is_last ? flags | O_NOFOLLOW | O_CLOEXEC : through);
    int error = errno;
    close(directory);
    if (is_last || next < 0) return next < 0 ? -error : next;
    directory = next;
  }
  return -errno;
}

bool file_is_mount_point(int directory, const char *name) {
  // STATX_ATTR_MOUNT_ROOT, which older headers lack.
  const uint64_t mount_root = 0x2000;
  struct statx information;
  memset(&information, 0, sizeof information);
  if (statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &information) != 0) return false;
  return (information.stx_attributes & mount_root) != 0;
}

bool file_is_on_system_interface(int descriptor) {
  struct statfs information;
  if (fstatfs(descriptor, &information) != 0) return false;
  switch ((unsigned long)information.f_type) {
  case PROC_SUPER_MAGIC:
  case SYSFS_MAGIC:
  case DEBUGFS_MAGIC:
  case TRACEFS_MAGIC:
  case SECURITYFS_MAGIC:
  case CGROUP_SUPER_MAGIC:
  case CGROUP2_SUPER_MAGIC:
  case BPF_FS_MAGIC:
  case PSTOREFS_MAGIC:
  case EFIVARFS_MAGIC:
  case DEVPTS_SUPER_MAGIC:
  case SELINUX_MAGIC:
  case BINFMTFS_MAGIC:
    return true;
  default:
    return false;
  }
}

int file_allocate(int descriptor, int64_t length) {
  while (fallocate(descriptor, 0, 0, length) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// The form of the attribute is that of the kernel's posix_acl_xattr.h, in little endian.
int file_let_read(int descriptor, uid_t user) {
  enum { owner = 0x01, named_user = 0x02, group = 0x04, mask = 0x10, other = 0x20 };
  const uint32_t entries[5][3] = {
      {owner, 6, UINT32_MAX}, {named_user, 4, user}, {group, 0, UINT32_MAX}, {mask, 4, UINT32_MAX}, {other, 0, UINT32_MAX}};
  unsigned char list[4 + 5 * 8] = {2};
  for (int entry = 0; entry < 5; entry++) {
    unsigned char *at = list + 4 + entry * 8;
    at[0] = (unsigned char)entries[entry][0];
    at[2] = (unsigned char)entries[entry][1];
    for (int byte = 0; byte < 4; byte++) at[4 + byte] = (unsigned char)(entries[entry][2] >> (8 * byte));
  }
  return fsetxattr(descriptor, "system.posix_acl_access", list, sizeof list, 0) == 0 ? 0 : errno;
}

int64_t file_load(int descriptor, int64_t offset, int64_t length) {
  const int64_t page = 4096;
  char byte;
  struct iovec first = {.iov_base = &byte, .iov_len = 1};
  const int64_t end = offset + length;
  int64_t at = offset;
  while (at < end) {
    ssize_t count = preadv2(descriptor, &first, 1, at, RWF_NOWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return 0;
    if (count < 0) break;
    at = (at / page + 1) * page;
  }
  if (at >= end) return 0;
  readahead(descriptor, at, (size_t)(end - at));
  char buffer[64 * 1024];
  const int64_t start = at;
  while (at < end) {
    size_t wanted = end - at < (int64_t)sizeof buffer ? (size_t)(end - at) : sizeof buffer;
    ssize_t count = pread(descriptor, buffer, wanted, at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) break;
    at += count;
  }
  return at - start;
}

int file_punch_hole(int descriptor, int64_t offset, int64_t length) {
  while (fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int file_flush_file_system(int descriptor) {
  while (syncfs(descriptor) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// MARK: Names

void nss_files_and_dns_only(void) {
  (void)__nss_configure_lookup("hosts", "files dns");
  (void)__nss_configure_lookup("passwd", "files");
  (void)__nss_configure_lookup("group", "files");
}

// MARK: Threads

static void *pass_through(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

int threads_possible(int count) {
  enum { maximum = 256 };
  pthread_t threads[maximum];
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  int started = 0;
  pthread_mutex_lock(&gate);
  while (started < count && started < maximum && pthread_create(&threads[started], NULL, pass_through, &gate) == 0)
    started++;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
  return started == maximum ? count : started;
}

// MARK: Memory

int memory_arenas(int maximum) { return mallopt(M_ARENA_MAX, maximum); }

void memory_keep(int bytes) {
  mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
  mallopt(M_TRIM_THRESHOLD, bytes);
}

void memory_trim(void) { malloc_trim(0); }
