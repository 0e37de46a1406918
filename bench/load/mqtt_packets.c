#include "mqtt_packets.h"

#include "failure.h"

#include <string.h>

enum { HEADER_ROOM = 5, SUBSCRIBE_HEADER = 0x82, CONNECT_HEADER = 0x10, PUBLISH_QOS_1_HEADER = 0x32 };

/* A packet being written: room for the fixed header is left in front, since its size follows the body's. */
struct draft {
    size_t length;
    unsigned char bytes[HEADER_ROOM + 2048];
};

static void put_bytes(struct draft *draft, const void *bytes, size_t length) {
    memcpy(draft->bytes + HEADER_ROOM + draft->length, bytes, length);
    draft->length += length;
}

static void put_number(struct draft *draft, unsigned number) {
    unsigned char bytes[2] = {(unsigned char)(number >> 8), (unsigned char)number};
    put_bytes(draft, bytes, sizeof bytes);
}

static void put_string(struct draft *draft, const char *text) {
    put_number(draft, (unsigned)strlen(text));
    put_bytes(draft, text, strlen(text));
}

static bool send_draft(struct connection *connection, struct draft *draft, unsigned char first_byte) {
    unsigned char header[HEADER_ROOM] = {first_byte};
    size_t size = 1, rest = draft->length;
    do { /* section 2.2.3: seven bits at a time, the eighth says that more follow */
        header[size] = rest % 128;
        rest /= 128;
        header[size++] |= rest > 0 ? 0x80 : 0;
    } while (rest > 0);
    unsigned char *start = draft->bytes + HEADER_ROOM - size;
    memcpy(start, header, size);
    return send_bytes(connection, start, size + draft->length);
}

bool send_connect(struct connection *connection, const char *client_id, const char *user, const char *password) {
    static const unsigned char protocol[] = {0, 4, 'M', 'Q', 'T', 'T', 4};
    unsigned char flags = 0x02 | (user != NULL ? 0x80 : 0) | (password != NULL ? 0x40 : 0);
    struct draft draft = {0};
    put_bytes(&draft, protocol, sizeof protocol);
    put_bytes(&draft, &flags, 1);
    put_number(&draft, 300); /* keep alive, in seconds: longer than any case */
    put_string(&draft, client_id);
    if (user != NULL)
        put_string(&draft, user);
    if (password != NULL)
        put_string(&draft, password);
    return send_draft(connection, &draft, CONNECT_HEADER);
}

bool send_subscribe(struct connection *connection, unsigned packet_id, const char *filter) {
    struct draft draft = {0};
    put_number(&draft, packet_id);
    put_string(&draft, filter);
    put_bytes(&draft, "\x01", 1); /* QoS 1 */
    return send_draft(connection, &draft, SUBSCRIBE_HEADER);
}

bool send_publish(struct connection *connection, unsigned packet_id, const char *topic, const char *payload) {
    struct draft draft = {0};
    put_string(&draft, topic);
    put_number(&draft, packet_id);
    put_bytes(&draft, payload, strlen(payload));
    return send_draft(connection, &draft, PUBLISH_QOS_1_HEADER);
}

bool send_puback(struct connection *connection, unsigned packet_id) {
    unsigned char bytes[] = {0x40, 2, (unsigned char)(packet_id >> 8), (unsigned char)packet_id};
    return send_bytes(connection, bytes, sizeof bytes);
}

bool send_disconnect(struct connection *connection) { return send_bytes(connection, "\xE0\x00", 2); }

static bool receive_length(struct connection *connection, size_t *length) {
    unsigned char byte;
    *length = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        if (!receive_exactly(connection, &byte, 1))
            return false;
        *length |= (size_t)(byte & 0x7F) << shift;
        if ((byte & 0x80) == 0)
            return true;
    }
    return failed("a remaining length of more than four bytes");
}

bool expect_packet(struct connection *connection, enum packet_type type, struct packet *packet) {
    unsigned char first_byte;
    if (!receive_exactly(connection, &first_byte, 1) || !receive_length(connection, &packet->length))
        return false;
    if (packet->length >= sizeof packet->body)
        return failed("a packet of %zu bytes", packet->length);
    packet->type = first_byte >> 4;
    packet->body[packet->length] = '\0';
    if (!receive_exactly(connection, packet->body, packet->length))
        return false;
    if (packet->type != type)
        return failed("MQTT packet type %d instead of %d", packet->type, type);
    return true;
}

bool take_packet(struct packet *packet, const unsigned char *bytes, size_t length, size_t *taken) {
    size_t at = 1;
    *taken = packet->length = 0;
    for (unsigned shift = 0; at < length; shift += 7, at++) {
        if (shift == 28)
            return failed("a remaining length of more than four bytes");
        packet->length |= (size_t)(bytes[at] & 0x7F) << shift;
        if ((bytes[at] & 0x80) == 0)
            break;
    }
    if (at >= length)
        return true;
    at++;
    if (packet->length >= sizeof packet->body)
        return failed("a packet of %zu bytes", packet->length);
    if (length - at < packet->length)
        return true;
    packet->type = bytes[0] >> 4;
    memcpy(packet->body, bytes + at, packet->length);
    packet->body[packet->length] = '\0';
    *taken = at + packet->length;
    return true;
}

bool read_publication(struct publication *publication, const struct packet *packet) {
    size_t topic_length = (size_t)packet->body[0] << 8 | packet->body[1];
    if (topic_length + 4 > packet->length || topic_length >= sizeof publication->topic)
        return failed("a PUBLISH that cannot be of QoS 1");
    memcpy(publication->topic, packet->body + 2, topic_length);
    publication->topic[topic_length] = '\0';
    const unsigned char *rest = packet->body + 2 + topic_length;
    publication->packet_id = (unsigned)rest[0] << 8 | rest[1];
    publication->payload = (const char *)rest + 2;
    return true;
}
