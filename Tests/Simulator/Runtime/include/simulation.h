// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

// What a simulated process needs below Swift: time, randomness and the default executor of the concurrency runtime.
// The definitions of clock_gettime and syscall in simulation.c take the place of libc's for the whole executable.

// From now on the clocks stand still until simulation_set_clock, getrandom is seeded, and jobs for the default
// executor go to enqueue.
void simulation_start(uint64_t seed, void (*enqueue)(void *job));

// Nanoseconds of the monotonic clocks, and by how much the wall clock of the running node is ahead.
void simulation_set_clock(int64_t now, int64_t skew);

// Executes the program again with fixed addresses and fixed hashing, unless it has both. Returns only if it has.
void simulation_fix_process(char *const *arguments);

// Starts a child process that continues from here: 0 in the child.
int32_t simulation_fork(void);
