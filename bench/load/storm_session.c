#include "storm_session.h"

#include "dps_topics.h"
#include "failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUBSCRIBE_ID = 1, REGISTER_ID = 2, POLL_ID = 3 };

static bool send_text(struct session *session, const char *text) {
    return send_bytes(&session->connection, text, strlen(text));
}

static void forget(struct session *session, size_t taken) {
    session->length -= taken;
    memmove(session->bytes, session->bytes + taken, session->length);
}

/* --- HTTPS --------------------------------------------------------------------------------------------------- */

static enum heard hear_http(struct session *session, struct answer *answer) {
    struct response *response = &answer->response;
    memcpy(response->text, session->bytes, session->length);
    if (!is_complete(response, session->length))
        return session->length < sizeof session->bytes - 1 ? NOTHING : GARBLED;
    session->length = 0; /* one question at a time: nothing follows its answer */
    if (!read_status(response))
        return GARBLED;
    answer->status = response->status;
    answer->retry_after = (double)header_number(response, "retry-after");
    answer->body = response->body;
    return ANSWERED;
}

/* --- MQTT ---------------------------------------------------------------------------------------------------- */

static bool connect_mqtt(struct session *session, const struct target *target, const struct device *device) {
    char user[256];
    snprintf(user, sizeof user, USER_FORMAT, target->fleet.id_scope, device->registration_id);
    return send_connect(&session->connection, device->registration_id, user, device->token);
}

static enum heard read_publish(struct session *session, struct answer *answer) {
    struct publication *publication = &answer->publication;
    size_t prefix = strlen(RESPONSES);
    if (!read_publication(publication, &answer->packet) ||
        !send_puback(&session->connection, publication->packet_id) ||
        strncmp(publication->topic, RESPONSES, prefix) != 0)
        return GARBLED;
    const char *retry_after = strstr(publication->topic, "retry-after=");
    answer->status = atoi(publication->topic + prefix);
    answer->retry_after = retry_after == NULL ? -1 : atof(retry_after + strlen("retry-after="));
    answer->body = publication->payload;
    return ANSWERED;
}

static enum heard react(struct session *session, struct answer *answer) {
    const struct packet *packet = &answer->packet;
    switch (packet->type) {
    case CONNACK:
        end_to_wait(&session->connection);
        begin_to_wait(&session->connection);
        return packet->body[1] == 0 && send_subscribe(&session->connection, SUBSCRIBE_ID, RESPONSES "#") ? NOTHING
                                                                                                         : GARBLED;
    case SUBACK: return GREETED;
    case PUBACK: return NOTHING;
    case PUBLISH: return read_publish(session, answer);
    default: return GARBLED;
    }
}

static enum heard hear_mqtt(struct session *session, struct answer *answer) {
    for (;;) {
        size_t taken;
        if (!take_packet(&answer->packet, session->bytes, session->length, &taken))
            return GARBLED;
        if (taken == 0)
            return NOTHING;
        forget(session, taken);
        enum heard heard = react(session, answer);
        if (heard != NOTHING)
            return heard;
    }
}

/* --- either -------------------------------------------------------------------------------------------------- */

enum heard greet(struct session *session, const struct target *target, const struct device *device) {
    if (!session->mqtt)
        return GREETED;
    return connect_mqtt(session, target, device) ? NOTHING : GARBLED;
}

bool ask_to_register(struct session *session, const struct target *target, const struct device *device) {
    char text[REQUEST];
    if (session->mqtt) {
        snprintf(text, sizeof text, "{\"registrationId\":\"%s\"}", device->registration_id);
        return send_publish(&session->connection, REGISTER_ID, REGISTER_TOPIC, text);
    }
    write_register(text, target, device);
    return send_text(session, text);
}

bool ask_for_status(struct session *session, const struct target *target, const struct device *device) {
    char text[REQUEST];
    if (session->mqtt) {
        snprintf(text, sizeof text, POLL_TOPIC_FORMAT, session->operation_id);
        return send_publish(&session->connection, POLL_ID, text, " ");
    }
    write_poll(text, target, device, session->operation_id);
    return send_text(session, text);
}

enum heard hear(struct session *session, struct answer *answer) {
    return session->mqtt ? hear_mqtt(session, answer) : hear_http(session, answer);
}
