/* The AMQP 1.0 that a device needs: frames with a described list in them, and the sections of a message.
 *
 * Written with the wide list constructor, read with either (OASIS AMQP 1.0, part 1). Everything is on channel 0.
 */
#ifndef HOMEPORT_LOAD_AMQP_FRAMES_H
#define HOMEPORT_LOAD_AMQP_FRAMES_H

#include "connection.h"

#include <stdbool.h>
#include <stddef.h>

enum descriptor {
    OPEN = 0x10,
    BEGIN = 0x11,
    ATTACH = 0x12,
    FLOW = 0x13,
    TRANSFER = 0x14,
    DISPOSITION = 0x15,
    CLOSE = 0x18,
    ACCEPTED = 0x24,
    SOURCE = 0x28,
    TARGET = 0x29,
    SASL_MECHANISMS = 0x40,
    SASL_INIT = 0x41,
    SASL_OUTCOME = 0x44,
    PROPERTIES = 0x73,
    APPLICATION_PROPERTIES = 0x74,
    DATA = 0x75,
    AMQP_VALUE = 0x77,
};

/* A frame being written; its size is filled in when it is complete. */
struct amqp_draft {
    size_t length;
    unsigned char bytes[4096];
};

/* A list or map being written inside a draft: where its size and count stand. */
typedef size_t compound;

void put_protocol_header(struct amqp_draft *draft, const char *header);
void begin_frame(struct amqp_draft *draft);
void begin_sasl_frame(struct amqp_draft *draft);
void end_frame(struct amqp_draft *draft, size_t start); /* `start`: where in the draft the frame begins */

compound begin_list(struct amqp_draft *draft, enum descriptor descriptor);
compound begin_map(struct amqp_draft *draft);
void end_compound(struct amqp_draft *draft, compound compound, unsigned count);

void put_descriptor(struct amqp_draft *draft, enum descriptor descriptor);
void put_null(struct amqp_draft *draft);
void put_boolean(struct amqp_draft *draft, bool value);
void put_uint(struct amqp_draft *draft, unsigned value);
void put_text(struct amqp_draft *draft, const char *text);
void put_symbol(struct amqp_draft *draft, const char *text);
void put_binary(struct amqp_draft *draft, const void *bytes, size_t length);

/* A frame that was received. `fields` are the items of its list, `payload` is what follows behind the list. */
struct amqp_frame {
    enum descriptor descriptor;
    const unsigned char *fields, *fields_end, *payload, *payload_end;
    unsigned char body[4096];
};

/* A protocol header (eight bytes), which has to be this one. */
bool expect_header(struct connection *connection, const char *header);

/* The next frame but empty ones and flows that nobody waits for; it has to be of that kind. */
bool expect_frame(struct connection *connection, enum descriptor descriptor, struct amqp_frame *frame);

/* Whether that described value stands among a frame's fields. */
bool has_described(const struct amqp_frame *frame, enum descriptor descriptor);

/* The Data section of a message as text; at most `capacity` - 1 bytes. */
bool copy_data(const struct amqp_frame *frame, char *text, size_t capacity);

#endif
