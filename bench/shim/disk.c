/* Stands in front of fsync and fdatasync: counts the calls of all processes that share the counter's file, and makes each
 * take longer, as a slower disk would. Its counterpart is bench/disk.py, which names file and delay in the environment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

typedef int (*wait_for_disk)(int);

static _Atomic uint64_t *counter;
static useconds_t delay;

__attribute__((constructor)) static void read_environment(void) {
    const char *file = getenv("BENCH_DISK_COUNTER"), *microseconds = getenv("BENCH_DISK_DELAY_US");
    if (microseconds != NULL)
        delay = (useconds_t)strtoul(microseconds, NULL, 10);
    int descriptor = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        return;
    void *mapped = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    if (mapped != MAP_FAILED)
        counter = mapped;
}

static int counted(wait_for_disk real, int descriptor) {
    if (counter != NULL)
        atomic_fetch_add(counter, 1);
    if (delay > 0)
        usleep(delay);
    return real(descriptor);
}

int fsync(int descriptor) { return counted((wait_for_disk)dlsym(RTLD_NEXT, "fsync"), descriptor); }

int fdatasync(int descriptor) { return counted((wait_for_disk)dlsym(RTLD_NEXT, "fdatasync"), descriptor); }
