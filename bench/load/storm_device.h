/* One device of a storm: what it does when its time has come, when something arrives, and when it is let down.
 *
 * A state machine over `storm_session.h` with the rule of its SDK (`storm_plan.h`). What became of it is printed in one
 * line as soon as it is provisioned.
 */
#ifndef HOMEPORT_LOAD_STORM_DEVICE_H
#define HOMEPORT_LOAD_STORM_DEVICE_H

#include "storm_plan.h"
#include "storm_session.h"
#include "timers.h"

enum step { AWAY, CONNECTING, SHAKING_HANDS, GREETING, REGISTERING, RESTING, PAUSING, POLLING, PROVISIONED };

struct storm_device {
    struct session *session; /* NULL: not connected */
    double due;              /* when its next timer rings; others of its timers are out of date */
    double began;            /* the attempt under way */
    double connected;        /* when TCP had a connection in this attempt */
    double admitted;         /* when the server first answered in this attempt; 0: not yet */
    int attempts, failures, refusals;
    enum step step;
};

/* By what an attempt ended early. */
struct setbacks {
    long timeouts, disconnects, refusals, errors;
    long wasted_handshakes; /* of those that were finished */
};

struct storm {
    const struct target *target;
    struct plan *plan;
    struct timers timers;
    struct storm_device *devices;
    int epoll;
    double started, now; /* seconds of the monotonic clock; all other times are since `started` */
    double started_wall; /* the same moment by the wall clock */
    double latest;       /* how late a timer rang at most: beyond some ms the generator is the bottleneck */
    long provisioned, attempts, handshakes, connections, most_connections;
    long starved; /* how often the generator had no socket for a device, which then waits a little */
    struct setbacks setbacks;
    struct answer answer;
};

/* Its timer rings. False only when the generator itself is broken. */
bool on_time(struct storm *storm, long index);

/* Something has happened on its connection. */
bool on_arrival(struct storm *storm, long index);

/* Close what is still open. */
void leave(struct storm *storm, long index);

#endif
