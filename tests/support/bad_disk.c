/* For LD_PRELOAD: a disk that goes bad. The first byte of the file that BAD_DISK_FILE names is the number of an error; while it
 * is not 0, what that error is about fails below the folder BAD_DISK_FOLDER. ENOSPC: writes and new files. EROFS: these, and
 * opening to write, truncating, renaming and removing. EIO: writes and syncs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static const volatile unsigned char *error_now;
static const char *folder;

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *file = getenv("BAD_DISK_FILE");
    folder = getenv("BAD_DISK_FOLDER");
    if (!file || !folder) return;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED) error_now = page;
    close(fd);
}

static int bad(void) { return error_now ? *error_now : 0; }

static int below(const char *path) { return strncmp(path, folder, strlen(folder)) == 0; }

static int file_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) return 0;
    path[size] = 0;
    return below(path);
}

static int fails_write(int fd) {
    int error = bad();
    if (!error || !file_below(fd)) return 0;
    errno = error;
    return 1;
}

static int fails_sync(int fd) {
    if (bad() != EIO || !file_below(fd)) return 0;
    errno = EIO;
    return 1;
}

static int fails_name(const char *path) {
    if (bad() != EROFS || !below(path)) return 0;
    errno = EROFS;
    return 1;
}

static int fails_open(const char *path, int flags) {
    int error = bad();
    if (!error || !below(path)) return 0;
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT);
    int creates = (flags & O_CREAT) && access(path, F_OK) != 0;
    if (!(error == EROFS ? writes : creates)) return 0;
    errno = error;
    return 1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = va_arg(more, mode_t); \
        va_end(more); \
        return fails_open(path, flags) ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(write);
    return fails_write(fd) ? -1 : real(fd, bytes, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev);
    return fails_write(fd) ? -1 : real(fd, parts, count);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
    REAL(pwrite);
    return fails_write(fd) ? -1 : real(fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
    REAL(pwrite64);
    return fails_write(fd) ? -1 : real(fd, bytes, size, at);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
    REAL(fallocate);
    return fails_write(fd) ? -1 : real(fd, mode, at, size);
}
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
    REAL(fallocate64);
    return fails_write(fd) ? -1 : real(fd, mode, at, size);
}
int ftruncate(int fd, off_t size) {
    REAL(ftruncate);
    return bad() == EROFS && fails_write(fd) ? -1 : real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
    REAL(ftruncate64);
    return bad() == EROFS && fails_write(fd) ? -1 : real(fd, size);
}
int fsync(int fd) {
    REAL(fsync);
    return fails_sync(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
    REAL(fdatasync);
    return fails_sync(fd) ? -1 : real(fd);
}
int rename(const char *from, const char *to) {
    REAL(rename);
    return fails_name(to) ? -1 : real(from, to);
}
int unlink(const char *path) {
    REAL(unlink);
    return fails_name(path) ? -1 : real(path);
}
