// Kills the process immediately after its KILL_AT-th change to the directory KILL_IN: a file is created, synced or
// renamed. durability.rs preloads it to kill an update after every step, independently of timing.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void count(const char *path) {
    static int steps = 0;
    const char *in = getenv("KILL_IN"), *at = getenv("KILL_AT");
    if (in && at && strstr(path, in) && __sync_add_and_fetch(&steps, 1) == atoi(at)) kill(getpid(), SIGKILL);
}

static void count_descriptor(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        count(path);
    }
}

static int opened(const char *name, const char *path, int flags, mode_t mode) {
    int (*real)(const char *, int, mode_t) = dlsym(RTLD_NEXT, name);
    int fd = real(path, flags, mode);
    if (fd >= 0 && (flags & O_CREAT)) count(path);
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

#define SYNC(name)                                                     \
    int name(int fd) {                                                 \
        int (*real)(int) = dlsym(RTLD_NEXT, #name);                    \
        int result = real(fd);                                         \
        count_descriptor(fd);                                          \
        return result;                                                 \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    int result = real(from, to);
    count(to);
    return result;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    int (*real)(int, const char *, int, const char *, unsigned) = dlsym(RTLD_NEXT, "renameat2");
    int result = real(from_dir, from, to_dir, to, flags);
    count(to);
    return result;
}
