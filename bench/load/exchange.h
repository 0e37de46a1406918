/* The exchanges that can be measured, and what each is given.
 *
 * A mode is a row in the table of main.c; an exchange is one operation from its first byte to its last.
 * It checks every answer: a server that refuses quickly must not look fast.
 */
#ifndef HOMEPORT_LOAD_EXCHANGE_H
#define HOMEPORT_LOAD_EXCHANGE_H

#include "connection.h"
#include "device.h"

#include <stdbool.h>

struct target {
    struct endpoint endpoint;
    const char *address;
    const char *host; /* as it stands in the Host header */
    struct fleet fleet;
    long operations;
    int devices; /* at the same time */
    int threads; /* that they share; 0: each has its own */
    const char *plan; /* of a storm; NULL: there is none */
};

/* One device after the other. */
struct worker {
    const struct target *target;
    struct connection connection; /* between the exchanges of a kept connection; unused by fresh ones */
    double started;               /* when the exchange under way began, in seconds */
};

typedef bool (*exchange)(struct worker *worker, long index);

/* Leave out of the latency what the client did so far, such as signing its token. */
void restart_clock(struct worker *worker);

bool shake_hands_only(struct worker *worker, long index); /* fresh connection: TLS, and reset */
bool register_by_http(struct worker *worker, long index); /* fresh connection: PUT register, GET operation */
bool look_up_by_http(struct worker *worker, long index);  /* kept connection: POST registration status */

bool register_by_mqtt(struct worker *worker, long index); /* fresh connection: the whole story of an SDK */
bool publish_to_broker(struct worker *worker, long index); /* the same packets without a service behind */

bool register_by_amqp(struct worker *worker, long index); /* fresh connection: SASL, two links, two questions */

/* Connect and subscribe `operations` devices, say so on standard output, and wait for the end of input. */
bool hold_idle_connections(const struct target *target);

#endif
