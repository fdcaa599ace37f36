// SPDX-License-Identifier: Apache-2.0
//
// epoll(7), which the Glibc module lacks.
#include <sys/epoll.h>
