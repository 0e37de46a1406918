/* What a device of a storm says and hears on its connection, over HTTPS or MQTT, without waiting for either. */
#ifndef HOMEPORT_LOAD_STORM_SESSION_H
#define HOMEPORT_LOAD_STORM_SESSION_H

#include "async_connection.h"
#include "exchange.h"
#include "http_messages.h"
#include "mqtt_packets.h"

struct session {
    struct connection connection;
    bool mqtt;
    char operation_id[128];
    size_t length; /* of what has arrived and is not understood yet */
    unsigned char bytes[RESPONSE];
};

enum heard { NOTHING, GREETED, ANSWERED, GARBLED };

struct answer {
    int status;
    double retry_after; /* negative: none */
    const char *body;   /* inside one of these: */
    struct response response;
    struct packet packet;
    struct publication publication;
};

/* Say what has to be said before the first question. HTTP has nothing to say: GREETED at once. */
enum heard greet(struct session *session, const struct target *target, const struct device *device);

bool ask_to_register(struct session *session, const struct target *target, const struct device *device);
bool ask_for_status(struct session *session, const struct target *target, const struct device *device);

/* Understand the next thing that has arrived. NOTHING: there is no whole one. */
enum heard hear(struct session *session, struct answer *answer);

#endif
