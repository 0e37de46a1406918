/* Devices, in one thread or several, that repeat one exchange until all operations are done, and the JSON line of it. */
#ifndef HOMEPORT_LOAD_RUN_H
#define HOMEPORT_LOAD_RUN_H

#include "exchange.h"

/* Run the target's operations; print the result. False, with the first failure printed, if any failed. */
bool run_exchanges(const struct target *target, exchange measured);

#endif
