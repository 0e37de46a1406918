/* When something is due, for many things at once: a binary heap. A thing that is given another time keeps its old
 * entry, which its owner recognizes as such by the time. */
#ifndef HOMEPORT_LOAD_TIMERS_H
#define HOMEPORT_LOAD_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

struct timer {
    double due; /* seconds */
    long index; /* of whatever it belongs to */
};

struct timers {
    struct timer *heap;
    size_t count, room;
};

bool add_timer(struct timers *timers, double due, long index);
const struct timer *first_timer(const struct timers *timers); /* NULL: there is none */
struct timer take_first_timer(struct timers *timers);
void free_timers(struct timers *timers);

#endif
