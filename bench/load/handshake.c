/* A TLS handshake and nothing after it: what of a registration's cost is the handshake's. */
#include "exchange.h"

bool shake_hands_only(struct worker *worker, long index) {
    struct device device;
    make_device(&device, &worker->target->fleet, index);
    bool done = open_connection(&worker->connection, &worker->target->endpoint, device.credential);
    reset_connection(&worker->connection);
    return done;
}
