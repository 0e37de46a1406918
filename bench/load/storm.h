/* A storm: a fleet that arrives by plan, each device with the retry rule of its SDK. One thread holds them all. */
#ifndef HOMEPORT_LOAD_STORM_H
#define HOMEPORT_LOAD_STORM_H

#include "exchange.h"

/* A line when it begins, one for each device that is provisioned, and a JSON line at the end:
 *
 *     started SECONDS                                            of the monotonic clock
 *     INDEX TIME CONNECTING QUEUED SERVED WHOLE ATTEMPTS REFUSALS    times in seconds
 *     {"provisioned": …}
 *
 * SERVED is how long the device waited for the server once that had begun its handshake: for each thing that it said,
 * from saying it until the answer was in its kernel. Its own pauses are not in it, nor what kept it from reading on.
 * It ends when all are provisioned, at the plan's deadline, or at a signal to stop. False: it could not go on. */
bool run_storm(const struct target *target);

#endif
