/* Registration and status look-up over HTTP/1.1 (the device API's three routes), as the SDKs send them. */
#include "exchange.h"
#include "failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define API_VERSION "2021-06-01"

struct response {
    int status;
    const char *body;
    char text[4096];
};

static const char *find_body(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    return end == NULL ? NULL : end + 4;
}

/* The header's value as a number, or -1. Every server measured here answers with a Content-Length. */
static long content_length(const char *head, const char *body) {
    static const char name[] = "\r\ncontent-length:";
    for (const char *line = strstr(head, "\r\n"); line != NULL && line < body; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line, name, sizeof name - 1) == 0)
            return strtol(line + sizeof name - 1, NULL, 10);
    }
    return -1;
}

static bool is_complete(struct response *response, size_t length) {
    response->body = find_body(response->text);
    if (response->body == NULL)
        return false;
    long expected = content_length(response->text, response->body);
    return expected >= 0 && (long)length - (response->body - response->text) >= expected;
}

static bool receive_response(struct connection *connection, struct response *response) {
    size_t length = 0;
    do {
        size_t received;
        if (length == sizeof response->text - 1)
            return failed("an answer without Content-Length, or over %zu bytes", sizeof response->text);
        if (!receive_some(connection, response->text + length, sizeof response->text - 1 - length, &received))
            return false;
        length += received;
        response->text[length] = '\0';
    } while (!is_complete(response, length));
    if (sscanf(response->text, "HTTP/1.1 %d", &response->status) != 1)
        return failed("not an HTTP/1.1 answer: %.40s", response->text);
    return true;
}

static bool ask(struct connection *connection, const char *request, int status, struct response *response) {
    if (!send_bytes(connection, request, strlen(request)) || !receive_response(connection, response))
        return false;
    if (response->status != status)
        return failed("HTTP %d instead of %d: %.300s", response->status, status, response->body);
    return true;
}

static bool expect_assigned(const struct response *response) {
    return strstr(response->body, "\"status\":\"assigned\"") != NULL || failed("not assigned: %.300s", response->body);
}

/* A device with a certificate has nothing to say about its proof in HTTP. */
static const char *authorization(char line[576], const struct device *device) {
    int size = device->token[0] == '\0' ? 0 : snprintf(line, 576, "Authorization: %s\r\n", device->token);
    line[size] = '\0';
    return line;
}

static bool put_registration(struct worker *worker, const struct device *device, struct response *response) {
    char request[2048], body[128], line[576];
    int length = snprintf(body, sizeof body, "{\"registrationId\":\"%s\"}", device->registration_id);
    snprintf(request, sizeof request,
             "PUT /%s/registrations/%s/register?api-version=" API_VERSION " HTTP/1.1\r\n"
             "Host: %s\r\n%sAccept: application/json\r\n"
             "Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
             worker->target->fleet.id_scope, device->registration_id, worker->target->host, authorization(line, device),
             length, body);
    return ask(&worker->connection, request, 202, response);
}

static bool copy_operation_id(char operation_id[128], const struct response *response) {
    static const char name[] = "\"operationId\":\"";
    const char *value = strstr(response->body, name);
    if (value == NULL || sscanf(value + sizeof name - 1, "%127[^\"]", operation_id) != 1)
        return failed("no operationId: %.300s", response->body);
    return true;
}

static bool get_operation(struct worker *worker, const struct device *device, struct response *response) {
    char request[2048], operation_id[128], line[576];
    if (!copy_operation_id(operation_id, response))
        return false;
    snprintf(request, sizeof request,
             "GET /%s/registrations/%s/operations/%s?api-version=" API_VERSION " HTTP/1.1\r\n"
             "Host: %s\r\n%sAccept: application/json\r\n\r\n",
             worker->target->fleet.id_scope, device->registration_id, operation_id, worker->target->host,
             authorization(line, device));
    return ask(&worker->connection, request, 200, response) && expect_assigned(response);
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
    char request[2048], body[128], line[576];
    make_device(&device, &worker->target->fleet, scattered(index, worker->target->fleet.size));
    if (worker->connection.socket < 0 &&
        !open_connection(&worker->connection, &worker->target->endpoint, device.credential))
        return false;
    int length = snprintf(body, sizeof body, "{\"registrationId\":\"%s\"}", device.registration_id);
    snprintf(request, sizeof request,
             "POST /%s/registrations/%s?api-version=" API_VERSION " HTTP/1.1\r\n"
             "Host: %s\r\n%sAccept: application/json\r\n"
             "Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
             worker->target->fleet.id_scope, device.registration_id, worker->target->host, authorization(line, &device),
             length, body);
    restart_clock(worker);
    return ask(&worker->connection, request, 200, &response) && expect_assigned(&response);
}
