/* The few MQTT 3.1.1 packets that a device sends and receives (OASIS standard, section 3). */
#ifndef HOMEPORT_LOAD_MQTT_PACKETS_H
#define HOMEPORT_LOAD_MQTT_PACKETS_H

#include "connection.h"

#include <stdbool.h>
#include <stddef.h>

enum packet_type { CONNACK = 2, PUBLISH = 3, PUBACK = 4, SUBACK = 9 };

struct packet {
    enum packet_type type;
    size_t length;
    unsigned char body[4096]; /* the variable header and the payload, and a zero byte behind */
};

struct publication {
    char topic[256];
    unsigned packet_id;
    const char *payload; /* text, inside the packet that it came in */
};

bool send_connect(struct connection *connection, const char *client_id, const char *user, const char *password);
bool send_subscribe(struct connection *connection, unsigned packet_id, const char *filter);
bool send_publish(struct connection *connection, unsigned packet_id, const char *topic, const char *payload);
bool send_puback(struct connection *connection, unsigned packet_id);
bool send_disconnect(struct connection *connection);

/* The next packet, which has to be of that type. */
bool expect_packet(struct connection *connection, enum packet_type type, struct packet *packet);

/* The first packet of what has arrived, and how many bytes it takes up: 0 while it is incomplete. False: not MQTT. */
bool take_packet(struct packet *packet, const unsigned char *bytes, size_t length, size_t *taken);

/* A PUBLISH of QoS 1, taken apart. */
bool read_publication(struct publication *publication, const struct packet *packet);

#endif
