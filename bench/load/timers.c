#include "timers.h"

#include "failure.h"

#include <stdlib.h>

enum { FIRST_ROOM = 1024 };

static bool make_room(struct timers *timers) {
    if (timers->count < timers->room)
        return true;
    size_t room = timers->room == 0 ? FIRST_ROOM : timers->room * 2;
    struct timer *heap = realloc(timers->heap, room * sizeof *heap);
    if (heap == NULL)
        return failed("out of memory");
    timers->heap = heap;
    timers->room = room;
    return true;
}

bool add_timer(struct timers *timers, double due, long index) {
    if (!make_room(timers))
        return false;
    size_t at = timers->count++;
    for (; at > 0 && timers->heap[(at - 1) / 2].due > due; at = (at - 1) / 2)
        timers->heap[at] = timers->heap[(at - 1) / 2];
    timers->heap[at] = (struct timer){due, index};
    return true;
}

const struct timer *first_timer(const struct timers *timers) { return timers->count > 0 ? timers->heap : NULL; }

struct timer take_first_timer(struct timers *timers) {
    struct timer first = timers->heap[0], last = timers->heap[--timers->count];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < timers->count) {
        if (child + 1 < timers->count && timers->heap[child + 1].due < timers->heap[child].due)
            child++;
        if (timers->heap[child].due >= last.due)
            break;
        timers->heap[at] = timers->heap[child];
        at = child;
    }
    timers->heap[at] = last;
    return first;
}

void free_timers(struct timers *timers) { free(timers->heap); }
