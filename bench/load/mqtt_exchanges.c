/* Registration over MQTT 3.1.1 as the SDKs do it, the same traffic for a plain broker, and idle devices. */
#include "dps_topics.h"
#include "exchange.h"
#include "failure.h"
#include "fibers.h"
#include "http_messages.h"
#include "mqtt_packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUBSCRIBE_ID = 1, REGISTER_ID = 2, POLL_ID = 3 };

static bool connect_session(struct connection *connection, const char *client_id, const char *user,
                            const char *password) {
    struct packet packet;
    if (!send_connect(connection, client_id, user, password) || !expect_packet(connection, CONNACK, &packet))
        return false;
    return (packet.length == 2 && packet.body[1] == 0) || failed("CONNACK %d", packet.body[1]);
}

static bool subscribe(struct connection *connection, const char *filter) {
    struct packet packet;
    if (!send_subscribe(connection, SUBSCRIBE_ID, filter) || !expect_packet(connection, SUBACK, &packet))
        return false;
    return (packet.length == 3 && packet.body[2] <= 1) || failed("SUBACK %d", packet.body[2]);
}

static bool publish(struct connection *connection, unsigned packet_id, const char *topic, const char *payload) {
    struct packet packet;
    return send_publish(connection, packet_id, topic, payload) && expect_packet(connection, PUBACK, &packet);
}

static bool connect_device(struct connection *connection, const struct fleet *fleet, const struct device *device) {
    char user[256];
    snprintf(user, sizeof user, USER_FORMAT, fleet->id_scope, device->registration_id);
    const char *password = device->credential == NULL ? device->token : NULL;
    return connect_session(connection, device->registration_id, user, password) &&
           subscribe(connection, RESPONSES "#");
}

/* The service's answer: acknowledged at once, then compared with the status it has to carry. */
static bool expect_answer(struct connection *connection, const char *status, struct packet *packet,
                          struct publication *answer) {
    if (!expect_packet(connection, PUBLISH, packet) || !read_publication(answer, packet) ||
        !send_puback(connection, answer->packet_id))
        return false;
    size_t prefix = strlen(RESPONSES);
    if (strncmp(answer->topic, RESPONSES, prefix) != 0 || strncmp(answer->topic + prefix, status, 3) != 0)
        return failed("%s instead of %s: %.200s", answer->topic, status, answer->payload);
    return true;
}

static bool publish_register(struct connection *connection, const struct device *device, char operation_id[128]) {
    struct packet packet;
    struct publication answer;
    char body[128];
    snprintf(body, sizeof body, "{\"registrationId\":\"%s\"}", device->registration_id);
    return publish(connection, REGISTER_ID, REGISTER_TOPIC, body) &&
           expect_answer(connection, "202", &packet, &answer) && copy_operation_id(operation_id, answer.payload);
}

static bool publish_poll(struct connection *connection, const char *operation_id) {
    struct packet packet;
    struct publication answer;
    char topic[256];
    snprintf(topic, sizeof topic, POLL_TOPIC_FORMAT, operation_id);
    return publish(connection, POLL_ID, topic, " ") && expect_answer(connection, "200", &packet, &answer) &&
           says_assigned(answer.payload);
}

bool register_by_mqtt(struct worker *worker, long index) {
    struct device device;
    struct connection *connection = &worker->connection;
    char operation_id[128];
    make_device(&device, &worker->target->fleet, index);
    if (!open_connection(connection, &worker->target->endpoint, device.credential))
        return false;
    bool done = connect_device(connection, &worker->target->fleet, &device) &&
                publish_register(connection, &device, operation_id) && publish_poll(connection, operation_id) &&
                send_disconnect(connection);
    reset_connection(connection);
    return done;
}

bool publish_to_broker(struct worker *worker, long index) {
    struct connection *connection = &worker->connection;
    struct device device;
    char topic[128];
    make_device(&device, &worker->target->fleet, index);
    snprintf(topic, sizeof topic, "devices/%s/messages/", device.registration_id);
    if (!open_connection(connection, &worker->target->endpoint, device.credential))
        return false;
    bool done = connect_session(connection, device.registration_id, NULL, NULL) && subscribe(connection, "answers/#") &&
                publish(connection, REGISTER_ID, topic, "{\"registrationId\":\"a-device-of-the-benchmark\"}") &&
                publish(connection, POLL_ID, topic, " ") && send_disconnect(connection);
    reset_connection(connection);
    return done;
}

static bool open_idle(struct connection *connection, const struct target *target, long index) {
    struct device device;
    make_device(&device, &target->fleet, index);
    return open_connection(connection, &target->endpoint, device.credential) &&
           connect_device(connection, &target->fleet, &device);
}

static void wait_for_end_of_input(void) {
    char ignored[64];
    while (read(STDIN_FILENO, ignored, sizeof ignored) > 0)
        continue;
}

struct idle {
    const struct target *target;
    bool done;
};

static void hold(void *argument) {
    struct idle *idle = argument;
    const struct target *target = idle->target;
    struct connection *held = calloc((size_t)target->operations, sizeof *held);
    long opened = 0;
    idle->done = held != NULL || failed("out of memory");
    while (idle->done && opened < target->operations) {
        idle->done = open_idle(&held[opened], target, opened);
        opened++;
    }
    if (idle->done) {
        printf("{\"held\": %ld}\n", opened);
        fflush(stdout);
        wait_for_end_of_input();
    }
    for (long i = 0; i < opened; i++)
        reset_connection(&held[i]);
    free(held);
}

bool hold_idle_connections(const struct target *target) {
    struct idle idle = {.target = target};
    return run_fibers(1, hold, &idle) && idle.done;
}
