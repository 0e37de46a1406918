#include "http_messages.h"

#include "failure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define API_VERSION "2021-06-01"

static const char *find_body(const char *text) {
    const char *end = strstr(text, "\r\n\r\n");
    return end == NULL ? NULL : end + 4;
}

long header_number(const struct response *response, const char *name) {
    size_t size = strlen(name);
    const char *line = strstr(response->text, "\r\n");
    for (; line != NULL && line + 2 < response->body; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, size) == 0 && line[2 + size] == ':')
            return strtol(line + size + 3, NULL, 10);
    }
    return -1;
}

bool is_complete(struct response *response, size_t length) {
    response->text[length] = '\0';
    response->body = find_body(response->text);
    if (response->body == NULL)
        return false;
    long expected = header_number(response, "content-length");
    return expected >= 0 && (long)length - (response->body - response->text) >= expected;
}

bool read_status(struct response *response) {
    return sscanf(response->text, "HTTP/1.1 %d", &response->status) == 1 ||
           failed("not an HTTP/1.1 answer: %.40s", response->text);
}

bool copy_operation_id(char operation_id[128], const char *body) {
    static const char name[] = "\"operationId\":\"";
    const char *value = strstr(body, name);
    if (value == NULL || sscanf(value + sizeof name - 1, "%127[^\"]", operation_id) != 1)
        return failed("no operationId: %.300s", body);
    return true;
}

bool says_assigned(const char *body) {
    return strstr(body, "\"status\":\"assigned\"") != NULL || failed("not assigned: %.300s", body);
}

/* A device with a certificate has nothing to say about its proof in HTTP. */
static const char *authorization(char line[576], const struct device *device) {
    int size = device->token[0] == '\0' ? 0 : snprintf(line, 576, "Authorization: %s\r\n", device->token);
    line[size] = '\0';
    return line;
}

static void write_with_body(char request[REQUEST], const char *method, const char *path, const struct target *target,
                            const struct device *device) {
    char body[128], line[576];
    int length = snprintf(body, sizeof body, "{\"registrationId\":\"%s\"}", device->registration_id);
    snprintf(request, REQUEST,
             "%s /%s/registrations/%s%s?api-version=" API_VERSION " HTTP/1.1\r\n"
             "Host: %s\r\n%sAccept: application/json\r\n"
             "Content-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s",
             method, target->fleet.id_scope, device->registration_id, path, target->host, authorization(line, device),
             length, body);
}

void write_register(char request[REQUEST], const struct target *target, const struct device *device) {
    write_with_body(request, "PUT", "/register", target, device);
}

void write_look_up(char request[REQUEST], const struct target *target, const struct device *device) {
    write_with_body(request, "POST", "", target, device);
}

void write_poll(char request[REQUEST], const struct target *target, const struct device *device,
                const char *operation_id) {
    char line[576];
    snprintf(request, REQUEST,
             "GET /%s/registrations/%s/operations/%s?api-version=" API_VERSION " HTTP/1.1\r\n"
             "Host: %s\r\n%sAccept: application/json\r\n\r\n",
             target->fleet.id_scope, device->registration_id, operation_id, target->host, authorization(line, device));
}
