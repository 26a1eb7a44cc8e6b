// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "simulation.h"

#include <stdbool.h>
#include <unistd.h>

static bool is_simulated;
static int64_t monotonic_time;
static int64_t wall_skew;

void simulation_set_clock(int64_t now, int64_t skew) {
    monotonic_time = now;
    wall_skew = skew;
}

int32_t simulation_fork(void) { return fork(); }

#ifdef __linux__

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <time.h>

// 2027-01-15T08:00:00Z
static const int64_t wall_start = 1800000000LL * 1000000000LL;
static uint64_t random_state;
static void (*enqueue_job)(void *job);

static uint64_t next_random(void) {
    random_state += 0x9E3779B97F4A7C15ULL;
    uint64_t mixed = random_state;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ULL;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBULL;
    return mixed ^ (mixed >> 31);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (!is_simulated) {
        static int (*real)(clockid_t, struct timespec *);
        if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
        return real(clock, time);
    }
    int64_t now = monotonic_time + (clock == CLOCK_REALTIME ? wall_start + wall_skew : 0);
    time->tv_sec = now / 1000000000;
    time->tv_nsec = now % 1000000000;
    return 0;
}

// Swift's random numbers come from syscall(SYS_getrandom, …).
long syscall(long number, ...) {
    va_list list;
    va_start(list, number);
    long words[6];
    for (int index = 0; index < 6; index++) words[index] = va_arg(list, long);
    va_end(list);
    if (is_simulated && number == SYS_getrandom) {
        uint8_t *bytes = (uint8_t *)words[0];
        for (long index = 0; index < words[1]; index++) bytes[index] = (uint8_t)next_random();
        return words[1];
    }
    static long (*real)(long, ...);
    if (!real) real = dlsym(RTLD_NEXT, "syscall");
    return real(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

#define SWIFT_CALL __attribute__((swiftcall))

typedef SWIFT_CALL void (*enqueue_original)(void *job);
extern SWIFT_CALL void (*swift_task_enqueueGlobal_hook)(void *job, enqueue_original original);

static SWIFT_CALL void enqueue_global(void *job, enqueue_original original) {
    (void)original;
    enqueue_job(job);
}

void simulation_start(uint64_t seed, void (*enqueue)(void *job)) {
    random_state = seed;
    enqueue_job = enqueue;
    swift_task_enqueueGlobal_hook = enqueue_global;
    is_simulated = true;
}

void simulation_fix_process(char *const *arguments) {
    int current = personality(0xffffffff);
    bool is_fixed = current == -1 || (current & ADDR_NO_RANDOMIZE) || getenv("BROADTAPE_SIMULATOR");
    if (is_fixed && getenv("SWIFT_DETERMINISTIC_HASHING")) return;
    if (!is_fixed) personality((unsigned long)current | ADDR_NO_RANDOMIZE);
    setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1);
    setenv("BROADTAPE_SIMULATOR", "1", 1);
    execv("/proc/self/exe", arguments);
}

#else

void simulation_start(uint64_t seed, void (*enqueue)(void *job)) {
    (void)seed;
    (void)enqueue;
}

void simulation_fix_process(char *const *arguments) { (void)arguments; }

#endif
