/* Registration over AMQP 1.0 as the Node SDK does it: SASL PLAIN, one session, two links, two questions.
 *
 * Like it, and unlike the C client, it waits for the answer to each step before the next one: the dearer way.
 */
#include "amqp_frames.h"
#include "exchange.h"
#include "failure.h"

#include <stdio.h>
#include <string.h>

#define API_VERSION "2019-03-31"

static const char SASL_HEADER[] = "AMQP\x03\x01\x00\x00", AMQP_HEADER[] = "AMQP\x00\x01\x00\x00";

enum { PROTOCOL_HEADER = 8, RECEIVER_HANDLE = 0, SENDER_HANDLE = 1, CREDIT = 100, WINDOW = 2048 };

static bool send_draft(struct connection *connection, const struct amqp_draft *draft) {
    return send_bytes(connection, draft->bytes, draft->length);
}

static bool send_frame(struct connection *connection, struct amqp_draft *draft) {
    end_frame(draft, 0);
    return send_draft(connection, draft);
}

static void address_of(char address[192], const struct worker *worker, const struct device *device) {
    snprintf(address, 192, "%s/registrations/%s", worker->target->fleet.id_scope, device->registration_id);
}

/* --- SASL ---------------------------------------------------------------------------------------------------- */

static bool send_plain(struct worker *worker, const struct device *device) {
    struct amqp_draft draft = {0};
    char address[192], response[768];
    address_of(address, worker, device);
    int length = snprintf(response, sizeof response, "%c%s%c%s", 0, address, 0, device->token);
    begin_sasl_frame(&draft);
    compound init = begin_list(&draft, SASL_INIT);
    put_symbol(&draft, "PLAIN");
    put_binary(&draft, response, (size_t)length);
    put_text(&draft, worker->target->host);
    end_compound(&draft, init, 3);
    return send_frame(&worker->connection, &draft);
}

static bool authenticate(struct worker *worker, const struct device *device) {
    struct connection *connection = &worker->connection;
    struct amqp_frame frame;
    if (!send_bytes(connection, SASL_HEADER, PROTOCOL_HEADER) || !expect_header(connection, SASL_HEADER) ||
        !expect_frame(connection, SASL_MECHANISMS, &frame) || !send_plain(worker, device) ||
        !expect_frame(connection, SASL_OUTCOME, &frame))
        return false;
    bool passed = frame.fields_end - frame.fields >= 2 && frame.fields[1] == 0; /* code: an unsigned byte */
    return passed || failed("SASL refuses %s", device->registration_id);
}

/* --- connection, session and links --------------------------------------------------------------------------- */

static bool open_container(struct worker *worker, const struct device *device) {
    struct amqp_draft draft = {0};
    struct amqp_frame frame;
    put_protocol_header(&draft, AMQP_HEADER);
    begin_frame(&draft);
    compound open = begin_list(&draft, OPEN);
    put_text(&draft, device->registration_id);
    put_text(&draft, worker->target->host);
    end_compound(&draft, open, 2);
    end_frame(&draft, PROTOCOL_HEADER);
    struct connection *connection = &worker->connection;
    return send_draft(connection, &draft) && expect_header(connection, AMQP_HEADER) &&
           expect_frame(connection, OPEN, &frame);
}

static bool begin_session(struct connection *connection) {
    struct amqp_draft draft = {0};
    struct amqp_frame frame;
    begin_frame(&draft);
    compound begin = begin_list(&draft, BEGIN);
    put_null(&draft); /* remote-channel */
    put_uint(&draft, 0);
    put_uint(&draft, WINDOW);
    put_uint(&draft, WINDOW);
    end_compound(&draft, begin, 4);
    return send_frame(connection, &draft) && expect_frame(connection, BEGIN, &frame);
}

static void put_terminus(struct amqp_draft *draft, enum descriptor descriptor, const char *address) {
    compound terminus = begin_list(draft, descriptor);
    if (address != NULL)
        put_text(draft, address);
    end_compound(draft, terminus, address != NULL);
}

static void put_properties_of_link(struct amqp_draft *draft) {
    compound properties = begin_map(draft);
    put_symbol(draft, "com.microsoft:client-version");
    put_text(draft, "homeport-load");
    put_symbol(draft, "com.microsoft:api-version");
    put_text(draft, API_VERSION);
    end_compound(draft, properties, 4);
}

static bool attach(struct connection *connection, unsigned handle, const char *address) {
    bool receives = handle == RECEIVER_HANDLE;
    struct amqp_draft draft = {0};
    struct amqp_frame frame;
    begin_frame(&draft);
    compound attach = begin_list(&draft, ATTACH);
    put_text(&draft, receives ? "receiver" : "sender");
    put_uint(&draft, handle);
    put_boolean(&draft, receives);
    put_null(&draft); /* snd-settle-mode */
    put_null(&draft); /* rcv-settle-mode */
    put_terminus(&draft, SOURCE, receives ? address : NULL);
    put_terminus(&draft, TARGET, receives ? NULL : address);
    put_null(&draft); /* unsettled */
    put_null(&draft); /* incomplete-unsettled */
    put_uint(&draft, 0);
    for (int field = 10; field < 13; field++)
        put_null(&draft); /* max-message-size, capabilities */
    put_properties_of_link(&draft);
    end_compound(&draft, attach, 14);
    return send_frame(connection, &draft) && expect_frame(connection, ATTACH, &frame);
}

static bool grant_credit(struct connection *connection) {
    struct amqp_draft draft = {0};
    begin_frame(&draft);
    compound flow = begin_list(&draft, FLOW);
    unsigned numbers[] = {0, WINDOW, 0, WINDOW, RECEIVER_HANDLE, 0, CREDIT};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_uint(&draft, numbers[i]);
    end_compound(&draft, flow, 7);
    return send_frame(connection, &draft);
}

static bool open_links(struct worker *worker, const struct device *device) {
    struct connection *connection = &worker->connection;
    struct amqp_frame frame;
    char address[192];
    address_of(address, worker, device);
    return open_container(worker, device) && begin_session(connection) &&
           attach(connection, RECEIVER_HANDLE, address) && grant_credit(connection) &&
           attach(connection, SENDER_HANDLE, address) && expect_frame(connection, FLOW, &frame);
}

/* --- questions ----------------------------------------------------------------------------------------------- */

struct question {
    unsigned number;
    const char *operation_type;
    const char *operation_id; /* NULL when registering */
};

static void put_transfer(struct amqp_draft *draft, unsigned number) {
    compound transfer = begin_list(draft, TRANSFER);
    put_uint(draft, SENDER_HANDLE);
    put_uint(draft, number);
    put_binary(draft, (unsigned char[]){(unsigned char)number}, 1);
    put_uint(draft, 0); /* message-format */
    put_boolean(draft, false);
    end_compound(draft, transfer, 5);
}

static void put_properties(struct amqp_draft *draft, const struct device *device, unsigned number) {
    char correlation_id[96];
    snprintf(correlation_id, sizeof correlation_id, "%s-%u", device->registration_id, number);
    compound properties = begin_list(draft, PROPERTIES);
    for (int field = 0; field < 5; field++)
        put_null(draft); /* message-id, user-id, to, subject, reply-to */
    put_text(draft, correlation_id);
    end_compound(draft, properties, 6);
}

static void put_application_properties(struct amqp_draft *draft, const struct question *question) {
    put_descriptor(draft, APPLICATION_PROPERTIES);
    compound pairs = begin_map(draft);
    put_text(draft, "iotdps-operation-type");
    put_text(draft, question->operation_type);
    if (question->operation_id != NULL) {
        put_text(draft, "iotdps-operation-id");
        put_text(draft, question->operation_id);
    }
    end_compound(draft, pairs, question->operation_id != NULL ? 4 : 2);
}

static void put_body(struct amqp_draft *draft, const struct device *device, const struct question *question) {
    char body[128];
    int length = snprintf(body, sizeof body, "{\"registrationId\":\"%s\"}", device->registration_id);
    put_descriptor(draft, question->operation_id == NULL ? DATA : AMQP_VALUE);
    if (question->operation_id == NULL)
        put_binary(draft, body, (size_t)length);
    else
        put_text(draft, "");
}

/* Accepted first, then answered: C and Java insist on that order. */
static bool ask(struct connection *connection, const struct device *device, const struct question *question,
                char answer[2048]) {
    struct amqp_draft draft = {0};
    struct amqp_frame frame;
    begin_frame(&draft);
    put_transfer(&draft, question->number);
    put_properties(&draft, device, question->number);
    put_application_properties(&draft, question);
    put_body(&draft, device, question);
    if (!send_frame(connection, &draft) || !expect_frame(connection, DISPOSITION, &frame))
        return false;
    if (!has_described(&frame, ACCEPTED))
        return failed("%s was not accepted", question->operation_type);
    return expect_frame(connection, TRANSFER, &frame) && copy_data(&frame, answer, 2048);
}

static bool ask_to_register(struct connection *connection, const struct device *device, char operation_id[128]) {
    static const char name[] = "\"operationId\":\"";
    struct question question = {.number = 0, .operation_type = "iotdps-register"};
    char answer[2048];
    if (!ask(connection, device, &question, answer))
        return false;
    const char *value = strstr(answer, name);
    if (value == NULL || sscanf(value + sizeof name - 1, "%127[^\"]", operation_id) != 1)
        return failed("no operationId: %.200s", answer);
    return true;
}

static bool poll_operation(struct connection *connection, const struct device *device, const char *operation_id) {
    struct question question = {1, "iotdps-get-operationstatus", operation_id};
    char answer[2048];
    if (!ask(connection, device, &question, answer))
        return false;
    return strstr(answer, "\"status\":\"assigned\"") != NULL || failed("not assigned: %.200s", answer);
}

static bool close_container(struct connection *connection) {
    struct amqp_draft draft = {0};
    struct amqp_frame frame;
    begin_frame(&draft);
    end_compound(&draft, begin_list(&draft, CLOSE), 0);
    return send_frame(connection, &draft) && expect_frame(connection, CLOSE, &frame);
}

bool register_by_amqp(struct worker *worker, long index) {
    struct device device;
    struct connection *connection = &worker->connection;
    char operation_id[128];
    make_device(&device, &worker->target->fleet, index);
    if (!open_connection(connection, &worker->target->endpoint, device.credential))
        return false;
    bool done = (device.credential != NULL || authenticate(worker, &device)) && open_links(worker, &device) &&
                ask_to_register(connection, &device, operation_id) &&
                poll_operation(connection, &device, operation_id) && close_container(connection);
    reset_connection(connection);
    return done;
}
