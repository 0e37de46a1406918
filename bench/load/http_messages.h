/* The device API's three requests over HTTP/1.1, as the SDKs send them, and its answers. No socket in here. */
#ifndef HOMEPORT_LOAD_HTTP_MESSAGES_H
#define HOMEPORT_LOAD_HTTP_MESSAGES_H

#include "exchange.h"

#include <stdbool.h>
#include <stddef.h>

enum { REQUEST = 2048, RESPONSE = 4096 };

struct response {
    int status;
    const char *body; /* inside the text */
    char text[RESPONSE];
};

void write_register(char request[REQUEST], const struct target *target, const struct device *device);
void write_look_up(char request[REQUEST], const struct target *target, const struct device *device);
void write_poll(char request[REQUEST], const struct target *target, const struct device *device,
                const char *operation_id);

/* Whether the text's first `length` bytes are a whole answer. Every server measured here sends a Content-Length. */
bool is_complete(struct response *response, size_t length);

/* Of a complete answer: its status; a header's value as a number, or -1. */
bool read_status(struct response *response);
long header_number(const struct response *response, const char *name);

/* Of an answer's JSON, whichever protocol carried it. */
bool copy_operation_id(char operation_id[128], const char *body);
bool says_assigned(const char *body);

#endif
