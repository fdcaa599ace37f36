// SPDX-License-Identifier: Apache-2.0

/// System calls that Swift's Glibc module lacks or that only C can make safely: spawning a process with exactly the given
/// descriptors, limits and identity, and a few small Linux calls.
///
/// On success a function returns 0, or a descriptor if its comment says so; on failure a positive errno, or a negated one if
/// the result is a descriptor. Callers do not read `errno`.
#ifndef CPROCESS_H
#define CPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// MARK: Spawning

/// Descriptor `source` of the caller becomes descriptor `target` of the child.
struct process_descriptor {
  int source;
  int target;
};

/// One resource limit: setrlimit(2). `UINT64_MAX` means unlimited.
struct process_limit {
  int resource;
  uint64_t soft;
  uint64_t hard;
};

/// The user and groups of the child: setgroups(2), setresgid(2), setresuid(2), in this order.
struct process_identity {
  uid_t user;
  gid_t group;
  const gid_t *groups;
  size_t group_count;
};

/// A process to start. Pointers are borrowed for the duration of the call.
struct process_specification {
  /// The path of the executable; PATH is not searched.
  const char *path;
  /// NULL-terminated, the program name first.
  char *const *arguments;
  /// NULL-terminated, `NAME=value`. The caller's own environment is not inherited.
  char *const *environment;
  /// The directory to start in; NULL keeps the caller's.
  const char *directory;
  /// The child's descriptors. 0, 1 and 2 are inherited unless they are mapped; all others are closed.
  const struct process_descriptor *descriptors;
  size_t descriptor_count;
  const struct process_limit *limits;
  size_t limit_count;
  /// NULL keeps the caller's identity.
  const struct process_identity *identity;
  /// Sent to the child when the calling *thread* ends: PR_SET_PDEATHSIG(2const); 0 for none.
  int death_signal;
  /// Whether it leads its own session: setsid(2).
  bool new_session;
  /// Whether execve(2) can no longer grant privileges: PR_SET_NO_NEW_PRIVS(2const).
  bool no_new_privileges;
};

/// The step that failed before or in execve(2).
enum process_stage {
  PROCESS_STAGE_VFORK,
  PROCESS_STAGE_DESCRIPTORS,
  PROCESS_STAGE_SESSION,
  PROCESS_STAGE_LIMITS,
  PROCESS_STAGE_IDENTITY,
  PROCESS_STAGE_DEATH_SIGNAL,
  PROCESS_STAGE_DIRECTORY,
  PROCESS_STAGE_EXECUTE,
  PROCESS_STAGE_PIDFD,
};

struct process_started {
  pid_t pid;
  /// CLOEXEC; readable once the child has ended: pidfd_open(2).
  int pidfd;
  /// On failure, the step that failed.
  enum process_stage stage;
};

/// Starts a process: vfork(2) and execve(2). Returns 0 with `started` filled, or an errno with the failed stage; a failure
/// leaves no child behind.
///
/// Call it only from a thread that outlives the child: the death signal is bound to the thread.
int process_spawn(const struct process_specification *specification, struct process_started *started);

/// How a child ended.
struct process_exit {
  /// False while it runs.
  bool ended;
  /// Whether a signal ended it; `value` is then the signal, else the exit status.
  bool signaled;
  int value;
};

/// Reads the status of a child that has ended, without waiting: waitid(2). ECHILD if it is not a child.
int process_reap(pid_t pid, struct process_exit *result);

/// The pid of a child that has ended, without reaping it; 0 if there is none: WNOWAIT of waitid(2).
pid_t process_next_ended(void);

/// A CLOEXEC descriptor of a process, or a negated errno: pidfd_open(2).
int process_open_pidfd(pid_t pid);

/// Sends a signal through a pidfd, so never to a later process with the same pid: pidfd_send_signal(2).
int process_signal_pidfd(int pidfd, int signal);

// MARK: Sockets and pipes

struct peer_credentials {
  uid_t user;
  gid_t group;
  pid_t pid;
};

/// The process that connected a Unix socket, as of its connect(2): SO_PEERCRED in unix(7).
int socket_peer_credentials(int descriptor, struct peer_credentials *credentials);

/// A pipe, both ends CLOEXEC. The read end is non-blocking, the write end blocking, as children expect: pipe2(2).
int pipe_open(int *read_end, int *write_end);

/// A connected pair of stream sockets, both CLOEXEC and blocking: socketpair(2).
int socket_pair(int *first, int *second);

/// Accepts a connection as a CLOEXEC, non-blocking descriptor, or a negated errno: accept4(2).
int socket_accept(int descriptor);

/// Sends bytes on a Unix socket together with one descriptor, without blocking: SCM_RIGHTS in unix(7). Returns the number of
/// bytes sent, at least one of them with the descriptor, or a negated errno.
int64_t socket_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);

/// Receives bytes and the descriptors sent with them, CLOEXEC, without blocking. `found` becomes the number of descriptors;
/// those beyond `capacity`, at most 16, are closed. Returns the number of bytes, 0 at the end, or a negated errno.
int64_t socket_receive_descriptors(
    int socket, void *buffer, size_t count, int *descriptors, size_t capacity, size_t *found);

// MARK: Directories

/// A CLOEXEC, non-blocking descriptor that becomes readable when names in watched directories change, or a negated errno:
/// inotify(7).
int directory_watch_open(void);

/// Watches a directory for names that appear, vanish or change, and for its own end. Adding it again has no effect. Returns
/// 0 or an errno.
int directory_watch_add(int watch, const char *path);

/// Reads and discards what was reported.
void directory_watch_drain(int watch);

// MARK: Signals

/// Blocks the given signals in this thread and returns a CLOEXEC, non-blocking descriptor that receives them, or a negated
/// errno: signalfd(2). Call it before other threads exist: they inherit the mask.
int signals_open(const int *signals, size_t count);

/// The next pending signal of such a descriptor; 0 if there is none.
int signals_next(int descriptor);

// MARK: Files

/// rename(2) that does not replace: renameat2(2) with RENAME_NOREPLACE; EEXIST if the new name exists.
int file_rename_exclusively(int from_directory, const char *from, int to_directory, const char *to);

/// Lets one more user read the caller's file, by an access control list: acl(5). Returns 0 or an errno; EOPNOTSUPP if the
/// file system has none. All others keep no rights.
int file_let_read(int descriptor, uid_t user);

/// Opens an absolute path in which no segment is a symbolic link, as a CLOEXEC descriptor, or a negated errno (ELOOP or ENOTDIR
/// for a link): openat2(2) with RESOLVE_NO_SYMLINKS, or segment by segment where that call is missing. `flags` as in open(2),
/// without O_CREAT.
int file_open_without_links(const char *path, int flags);

/// As `file_open_without_links`, always segment by segment.
int file_open_by_segments(const char *path, int flags);

/// Whether something is mounted at a name in a directory, also a part of the same file system (a bind mount): statx(2). False
/// before Linux 5.8.
bool file_is_mount_point(int directory, const char *name);

/// Whether an open file lies on a file system without files of users: proc(5), sysfs(5), cgroups(7) and their like.
bool file_is_on_system_interface(int descriptor);

/// Reserves blocks for `length` bytes from the start and grows the file to it: fallocate(2) with mode 0; EOPNOTSUPP if the
/// file system does not support it.
int file_allocate(int descriptor, int64_t length);

/// Reads a range into the page cache as far as it is not there: readahead(2), pread(2). What is there is not read again if the
/// file system can tell (RWF_NOWAIT of preadv2(2)). Returns the number of bytes read, or a negated errno. Blocks.
int64_t file_load(int descriptor, int64_t offset, int64_t length);

/// Frees the blocks of a range, which then reads as zeros: fallocate(2) with FALLOC_FL_PUNCH_HOLE.
int file_punch_hole(int descriptor, int64_t offset, int64_t length);

/// Flushes the file system of a file to the device: syncfs(2). 0 or errno.
int file_flush_file_system(int descriptor);

// MARK: Names

/// Makes this process resolve hosts by /etc/hosts and DNS only, and users by /etc/passwd, whatever nsswitch.conf(5) says: its
/// other services are plug-ins, and a static executable that loads one crashes.
void nss_files_and_dns_only(void);

// MARK: Threads

/// How many of `count` threads this process can start now: starts them, and ends them again.
int threads_possible(int count);

// MARK: Memory

/// Limits the arenas of malloc(3): M_ARENA_MAX of mallopt(3), by default 8 for each processor. Call it before other threads
/// exist. Returns 0 on failure.
int memory_arenas(int maximum);

/// Lets malloc(3) keep so many freed bytes of an arena: M_TRIM_THRESHOLD of mallopt(3), by default 128 KiB. What is given
/// back comes as pages that the system has to clear and to map, one fault each. Blocks below 4 MiB are kept in the same way:
/// M_MMAP_THRESHOLD.
void memory_keep(int bytes);

/// Gives freed memory back to the system: malloc_trim(3). Takes long if there is much of it.
void memory_trim(void);

#endif
