// SPDX-License-Identifier: Apache-2.0

/// The system calls that Swift's Glibc module lacks or that only C can make safely: spawning a process with exactly
/// the descriptors, limits and identity it shall have, and a handful of small Linux calls.
///
/// Every function returns 0 (or a descriptor, where it says so) on success and a positive errno, or the negated errno
/// where a descriptor is the result, on failure. None of them touches `errno` for its caller to read.
#ifndef CPROCESS_H
#define CPROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// MARK: Spawning

/// The child finds the open file of `source` under the number `target`.
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

/// The user as whom the child runs: setgroups(2), setresgid(2), setresuid(2), in this order.
struct process_identity {
  uid_t user;
  gid_t group;
  const gid_t *groups;
  size_t group_count;
};

/// What to start. Pointers are borrowed for the duration of the call.
struct process_specification {
  /// The executable, a path: no search in PATH.
  const char *path;
  /// NULL-terminated, the name of the program first.
  char *const *arguments;
  /// NULL-terminated, `NAME=value`. The caller's own environment is not inherited.
  char *const *environment;
  /// The directory to start in; NULL keeps the caller's.
  const char *directory;
  /// What the child has open beside 0, 1 and 2, which it inherits where they are not mapped. All else is closed.
  const struct process_descriptor *descriptors;
  size_t descriptor_count;
  const struct process_limit *limits;
  size_t limit_count;
  /// NULL keeps the caller's identity.
  const struct process_identity *identity;
  /// The signal the child gets when the calling *thread* ends, PR_SET_PDEATHSIG(2const); 0 for none.
  int death_signal;
  /// Whether it leads a session of its own: setsid(2).
  bool new_session;
  /// Whether execve(2) may grant no privileges any more: PR_SET_NO_NEW_PRIVS(2const).
  bool no_new_privileges;
};

/// What the child was doing when it failed before or in execve(2).
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
  /// CLOEXEC; readable from the moment the child has ended: pidfd_open(2).
  int pidfd;
  /// Where it failed, on failure.
  enum process_stage stage;
};

/// Starts a process: vfork(2) and execve(2). Returns 0 with `started` filled, or an errno with its stage; no child is
/// left behind on failure.
///
/// Call it only from a thread that lives as long as the child shall: the death signal is bound to the thread.
int process_spawn(const struct process_specification *specification, struct process_started *started);

/// How a child ended.
struct process_exit {
  /// False while it runs.
  bool ended;
  /// Whether a signal ended it; `value` then is the signal, else the exit status.
  bool signaled;
  int value;
};

/// Takes the status of a child that has ended, without waiting: waitid(2). ECHILD where it is no child.
int process_reap(pid_t pid, struct process_exit *result);

/// A CLOEXEC descriptor that stands for a process, or a negated errno: pidfd_open(2).
int process_open_pidfd(pid_t pid);

/// Sends a signal through a pidfd, so never to a later process of the same number: pidfd_send_signal(2).
int process_signal_pidfd(int pidfd, int signal);

// MARK: Sockets and pipes

struct peer_credentials {
  uid_t user;
  gid_t group;
  pid_t pid;
};

/// Who connected a Unix socket, as of its connect(2): SO_PEERCRED in unix(7).
int socket_peer_credentials(int descriptor, struct peer_credentials *credentials);

/// A pipe, both ends CLOEXEC; the read end does not block, the write end does, as children expect: pipe2(2).
int pipe_open(int *read_end, int *write_end);

/// A connected pair of stream sockets, both CLOEXEC and blocking: socketpair(2).
int socket_pair(int *first, int *second);

/// Accepts a connection as a CLOEXEC descriptor that does not block, or a negated errno: accept4(2).
int socket_accept(int descriptor);

// MARK: Signals

/// Blocks the given signals in this thread and returns a CLOEXEC, non-blocking descriptor on which they are read, or a
/// negated errno: signalfd(2). Threads made later inherit the mask; call it first.
int signals_open(const int *signals, size_t count);

/// The next signal that is waiting at such a descriptor; 0 where there is none.
int signals_next(int descriptor);

// MARK: Files

/// rename(2) that refuses to replace: renameat2(2) with RENAME_NOREPLACE; EEXIST where the new name is taken.
int file_rename_exclusively(int from_directory, const char *from, int to_directory, const char *to);

/// Reserves blocks for `length` bytes from the start and grows the file to it: fallocate(2) with mode 0; EOPNOTSUPP where
/// the file system cannot.
int file_allocate(int descriptor, int64_t length);

// MARK: Names

/// From now on this process finds the addresses of hosts in /etc/hosts and by DNS alone, and users in /etc/passwd,
/// whatever nsswitch.conf(5) says: its other services are plug-ins, and an executable without shared libraries that
/// loads one dies of it.
void nss_files_and_dns_only(void);

// MARK: Memory

/// At most so many arenas of malloc(3) from now on: M_ARENA_MAX of mallopt(3), which is 8 for each processor by itself.
/// Call it before there are threads; 0 where it cannot be.
int memory_arenas(int most);

#endif
