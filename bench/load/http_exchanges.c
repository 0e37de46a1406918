/* Registration and status look-up over HTTP/1.1 (the device API's three routes), as the SDKs send them. */
#include "exchange.h"
#include "failure.h"
#include "http_messages.h"

#include <string.h>

static bool receive_response(struct connection *connection, struct response *response) {
    size_t length = 0;
    do {
        size_t received;
        if (length == sizeof response->text - 1)
            return failed("an answer without Content-Length, or over %zu bytes", sizeof response->text);
        if (!receive_some(connection, response->text + length, sizeof response->text - 1 - length, &received))
            return false;
        length += received;
    } while (!is_complete(response, length));
    return read_status(response);
}

static bool ask(struct connection *connection, const char *request, int status, struct response *response) {
    if (!send_bytes(connection, request, strlen(request)) || !receive_response(connection, response))
        return false;
    if (response->status != status)
        return failed("HTTP %d instead of %d: %.300s", response->status, status, response->body);
    return true;
}

static bool put_registration(struct worker *worker, const struct device *device, struct response *response) {
    char request[REQUEST];
    write_register(request, worker->target, device);
    return ask(&worker->connection, request, 202, response);
}

static bool get_operation(struct worker *worker, const struct device *device, struct response *response) {
    char request[REQUEST], operation_id[128];
    if (!copy_operation_id(operation_id, response->body))
        return false;
    write_poll(request, worker->target, device, operation_id);
    return ask(&worker->connection, request, 200, response) && says_assigned(response->body);
}

bool register_by_http(struct worker *worker, long index) {
    struct device device;
    struct response response;
    make_device(&device, &worker->target->fleet, index);
    if (!open_connection(&worker->connection, &worker->target->endpoint, device.credential))
        return false;
    bool done = put_registration(worker, &device, &response) && get_operation(worker, &device, &response);
    reset_connection(&worker->connection);
    return done;
}

/* Neighbours in time are not neighbours in the index; every device still has its turn. */
static long scattered(long index, long size) {
    static const long prime = 7919;
    return index % size * prime % size;
}

bool look_up_by_http(struct worker *worker, long index) {
    struct device device;
    struct response response;
    char request[REQUEST];
    make_device(&device, &worker->target->fleet, scattered(index, worker->target->fleet.size));
    if (worker->connection.socket < 0 &&
        !open_connection(&worker->connection, &worker->target->endpoint, device.credential))
        return false;
    write_look_up(request, worker->target, &device);
    restart_clock(worker);
    return ask(&worker->connection, request, 200, &response) && says_assigned(response.body);
}
