/* Devices that share a thread: each is written as if it might block, and while one waits, others go on.
 *
 * A fiber has a stack of its own and keeps its thread. In `wait_for_socket` it gives way until the kernel has news of
 * its connection; what it waited for may still not be there, so whoever calls tries again.
 */
#ifndef HOMEPORT_LOAD_FIBERS_H
#define HOMEPORT_LOAD_FIBERS_H

#include <stdbool.h>

/* Call `work(argument)` in so many fibers of the calling thread, until all have returned. */
bool run_fibers(int count, void (*work)(void *), void *argument);

/* Have the kernel tell the calling fiber what happens to the socket, until that is closed. */
bool watch_socket(int socket);

/* False, with `errno` set, when nothing has happened for too long, or when the caller is no fiber. */
bool wait_for_socket(void);

#endif
