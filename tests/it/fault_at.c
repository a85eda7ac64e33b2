// Injects one fault into a process: its FAULT_AT-th operation on a file whose path contains FAULT_IN. campaign.rs
// preloads it, so that faults do not depend on timing.
//
// Without FAULT_ERRNO the process is killed immediately after the operation. With it, the operation fails with this
// error number, and if FAULT_ALL is set, so do all later ones.
//
// Operations: a file is created, written, synced, renamed or deleted.
//
// With FAULT_CLOCK, the time of day jumps by this number of seconds at each reading: forward, back, forward, …
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// Whether this operation gets the fault. Each operation asks once.
static int is_due(const char *path) {
    static int steps = 0;
    const char *in = getenv("FAULT_IN"), *at = getenv("FAULT_AT");
    if (!in || !at || !path || !strstr(path, in)) return 0;
    int step = __sync_add_and_fetch(&steps, 1);
    return step == atoi(at) || (getenv("FAULT_ALL") && step > atoi(at));
}

// Called before an operation. Returns 1 if it has to fail, and sets `due` if the process dies after it.
static int fails(const char *path, int *due) {
    const char *number = getenv("FAULT_ERRNO");
    *due = is_due(path);
    if (!*due || !number) return 0;
    errno = atoi(number);
    return 1;
}

// Called after an operation.
static void finish(int due) {
    if (due) kill(getpid(), SIGKILL);
}

static const char *path_of(int fd, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length <= 0) return NULL;
    path[length] = 0;
    return path;
}

#define REAL(type, name, ...) type (*real)(__VA_ARGS__) = dlsym(RTLD_NEXT, name)

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    REAL(int, name, const char *, int, mode_t);
    int due = 0;
    if ((flags & O_CREAT) && fails(path, &due)) return -1;
    int fd = real(path, flags, mode);
    finish(due);
    return fd;
}

#define OPEN(name)                                                     \
    int name(const char *path, int flags, ...) {                       \
        va_list rest;                                                  \
        va_start(rest, flags);                                         \
        mode_t mode = (flags & O_CREAT) ? va_arg(rest, mode_t) : 0;    \
        va_end(rest);                                                  \
        return opened(#name, path, flags, mode);                       \
    }
OPEN(open)
OPEN(open64)

#define ON_DESCRIPTOR(type, name, parameters, arguments, ...)          \
    type name parameters {                                             \
        REAL(type, #name, __VA_ARGS__);                                \
        char path[4096];                                               \
        int due;                                                       \
        if (fails(path_of(fd, path, sizeof path), &due)) return -1;    \
        type result = real arguments;                                  \
        finish(due);                                                   \
        return result;                                                 \
    }
ON_DESCRIPTOR(int, fsync, (int fd), (fd), int)
ON_DESCRIPTOR(int, fdatasync, (int fd), (fd), int)
ON_DESCRIPTOR(ssize_t, write, (int fd, const void *bytes, size_t size), (fd, bytes, size), int, const void *, size_t)
ON_DESCRIPTOR(ssize_t, writev, (int fd, const struct iovec *parts, int count), (fd, parts, count), int,
              const struct iovec *, int)

#define ON_PATH(name, path, parameters, arguments, ...)                \
    int name parameters {                                              \
        REAL(int, #name, __VA_ARGS__);                                 \
        int due;                                                       \
        if (fails(path, &due)) return -1;                              \
        int result = real arguments;                                   \
        finish(due);                                                   \
        return result;                                                 \
    }
ON_PATH(rename, to, (const char *from, const char *to), (from, to), const char *, const char *)
ON_PATH(renameat2, to, (int from_dir, const char *from, int to_dir, const char *to, unsigned flags),
        (from_dir, from, to_dir, to, flags), int, const char *, int, const char *, unsigned)
ON_PATH(unlink, path, (const char *path), (path), const char *)
ON_PATH(unlinkat, path, (int dir, const char *path, int flags), (dir, path, flags), int, const char *, int)

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    static int readings = 0;
    const char *jump = getenv("FAULT_CLOCK");
    int result = real(clock, now);
    if (jump && clock == CLOCK_REALTIME) {
        now->tv_sec += __sync_fetch_and_add(&readings, 1) % 2 ? -atol(jump) : atol(jump);
    }
    return result;
}
