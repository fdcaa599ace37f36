// SPDX-License-Identifier: Apache-2.0

/// libedit's readline interface. The functions below set its variables: Swift takes a variable of C for unsafe, and
/// only one thread edits lines.
#ifndef CEDITLINE_SHIM_H
#define CEDITLINE_SHIM_H

#include <stdio.h>
#include <editline/readline.h>

/// Under which name ~/.editrc may hold settings, and that signals are left to the program.
static inline void editline_prepare(const char *name) {
  rl_readline_name = name;
  rl_catch_signals = 0;
}

/// Who is asked first for completions: what it returns as NULL is completed as a file name.
static inline void editline_complete_with(rl_completion_func_t *function) {
  rl_attempted_completion_function = function;
}

/// Inside such a function: the line so far.
static inline const char *editline_line(void) { return rl_line_buffer; }

/// Inside such a function: what is put behind the only completion; 0 for nothing.
static inline void editline_append_after_completion(int character) {
  rl_completion_append_character = character;
}

/// Inside such a function: no file names either.
static inline void editline_completion_is_over(void) { rl_attempted_completion_over = 1; }

#endif
