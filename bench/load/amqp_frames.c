#define _GNU_SOURCE /* memmem */

#include "amqp_frames.h"

#include "failure.h"

#include <string.h>

enum { PROTOCOL_HEADER = 8, FRAME_HEADER = 8 };
enum { SMALL_ULONG = 0x53, SYMBOL_8 = 0xA3, STRING_8 = 0xA1, BINARY_8 = 0xA0, WIDE = 0x10 };
enum { EMPTY_LIST = 0x45, LIST_8 = 0xC0, LIST_32 = 0xD0, MAP_32 = 0xD1, COMPOUND_HEADER = 8 };

/* --- writing ------------------------------------------------------------------------------------------------- */

static void put_bytes(struct amqp_draft *draft, const void *bytes, size_t length) {
    memcpy(draft->bytes + draft->length, bytes, length);
    draft->length += length;
}

static void put_byte(struct amqp_draft *draft, unsigned byte) { draft->bytes[draft->length++] = (unsigned char)byte; }

static void write_number(unsigned char bytes[4], size_t number) {
    for (int i = 0; i < 4; i++)
        bytes[i] = (unsigned char)(number >> (24 - 8 * i));
}

static void put_number(struct amqp_draft *draft, size_t number) {
    write_number(draft->bytes + draft->length, number);
    draft->length += 4;
}

static void put_frame_header(struct amqp_draft *draft, unsigned type) {
    unsigned char header[FRAME_HEADER] = {0, 0, 0, 0, 2, (unsigned char)type};
    put_bytes(draft, header, sizeof header);
}

void put_protocol_header(struct amqp_draft *draft, const char *header) { put_bytes(draft, header, PROTOCOL_HEADER); }

void begin_frame(struct amqp_draft *draft) { put_frame_header(draft, 0); }

void begin_sasl_frame(struct amqp_draft *draft) { put_frame_header(draft, 1); }

void end_frame(struct amqp_draft *draft, size_t start) { write_number(draft->bytes + start, draft->length - start); }

static compound begin_compound(struct amqp_draft *draft, unsigned constructor) {
    put_byte(draft, constructor);
    compound compound = draft->length;
    draft->length += COMPOUND_HEADER;
    return compound;
}

compound begin_list(struct amqp_draft *draft, enum descriptor descriptor) {
    put_descriptor(draft, descriptor);
    return begin_compound(draft, LIST_32);
}

compound begin_map(struct amqp_draft *draft) { return begin_compound(draft, MAP_32); }

void end_compound(struct amqp_draft *draft, compound compound, unsigned count) {
    write_number(draft->bytes + compound, draft->length - compound - 4);
    write_number(draft->bytes + compound + 4, count);
}

void put_descriptor(struct amqp_draft *draft, enum descriptor descriptor) {
    unsigned char bytes[] = {0, SMALL_ULONG, (unsigned char)descriptor};
    put_bytes(draft, bytes, sizeof bytes);
}

void put_null(struct amqp_draft *draft) { put_byte(draft, 0x40); }

void put_boolean(struct amqp_draft *draft, bool value) { put_byte(draft, value ? 0x41 : 0x42); }

void put_uint(struct amqp_draft *draft, unsigned value) {
    put_byte(draft, 0x70);
    put_number(draft, value);
}

static void put_variable(struct amqp_draft *draft, unsigned constructor, const void *bytes, size_t length) {
    put_byte(draft, length < 256 ? constructor : constructor + WIDE);
    if (length < 256)
        put_byte(draft, (unsigned)length);
    else
        put_number(draft, length);
    put_bytes(draft, bytes, length);
}

void put_text(struct amqp_draft *draft, const char *text) { put_variable(draft, STRING_8, text, strlen(text)); }

void put_symbol(struct amqp_draft *draft, const char *text) { put_variable(draft, SYMBOL_8, text, strlen(text)); }

void put_binary(struct amqp_draft *draft, const void *bytes, size_t length) {
    put_variable(draft, BINARY_8, bytes, length);
}

/* --- reading ------------------------------------------------------------------------------------------------- */

static size_t read_number(const unsigned char *bytes) {
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* The size field of a value whose constructor is at `at`: four bytes wide, or one. Answers where the content begins,
 * or NULL where the value does not fit in front of `end`. */
static const unsigned char *read_size(const unsigned char *at, const unsigned char *end, size_t *size) {
    size_t width = *at & WIDE ? 4 : 1;
    if (end - at < (ptrdiff_t)(1 + width))
        return NULL;
    *size = width == 4 ? read_number(at + 1) : at[1];
    at += 1 + width;
    return (size_t)(end - at) < *size ? NULL : at;
}

/* The list behind a performative's descriptor, which is the whole frame but for a payload. */
static bool read_list(struct amqp_frame *frame, const unsigned char *at, const unsigned char *end) {
    size_t size = 0, width = *at & WIDE ? 4 : 1;
    frame->fields = frame->fields_end = frame->payload = at + 1;
    frame->payload_end = end;
    if (*at == EMPTY_LIST)
        return true;
    const unsigned char *content = *at == LIST_8 || *at == LIST_32 ? read_size(at, end, &size) : NULL;
    if (content == NULL || size < width)
        return failed("a frame without a list");
    frame->fields = content + width; /* behind the count */
    frame->fields_end = frame->payload = content + size;
    return true;
}

/* `length` is 0 for an empty frame, a sign of life. */
static bool receive_frame(struct connection *connection, struct amqp_frame *frame, size_t *length) {
    unsigned char header[FRAME_HEADER];
    if (!receive_exactly(connection, header, sizeof header))
        return false;
    size_t size = read_number(header);
    if (header[4] != 2 || size < FRAME_HEADER || size - FRAME_HEADER > sizeof frame->body)
        return failed("a frame of %zu bytes", size);
    *length = size - FRAME_HEADER;
    if (!receive_exactly(connection, frame->body, *length))
        return false;
    if (*length == 0)
        return true;
    if (*length < 4 || frame->body[0] != 0 || frame->body[1] != SMALL_ULONG)
        return failed("a frame without a performative");
    frame->descriptor = frame->body[2];
    return read_list(frame, frame->body + 3, frame->body + *length);
}

bool expect_header(struct connection *connection, const char *header) {
    char received[8];
    if (!receive_exactly(connection, received, sizeof received))
        return false;
    return memcmp(received, header, sizeof received) == 0 || failed("another protocol header than that of the device");
}

bool expect_frame(struct connection *connection, enum descriptor descriptor, struct amqp_frame *frame) {
    size_t length = 0;
    do {
        if (!receive_frame(connection, frame, &length))
            return false;
    } while (length == 0 || (frame->descriptor == FLOW && descriptor != FLOW));
    return frame->descriptor == descriptor ||
           failed("AMQP performative 0x%02x instead of 0x%02x", frame->descriptor, descriptor);
}

bool has_described(const struct amqp_frame *frame, enum descriptor descriptor) {
    unsigned char wanted[] = {0, SMALL_ULONG, (unsigned char)descriptor};
    return memmem(frame->fields, (size_t)(frame->fields_end - frame->fields), wanted, sizeof wanted) != NULL;
}

bool copy_data(const struct amqp_frame *frame, char *text, size_t capacity) {
    const unsigned char *at = frame->payload, *end = frame->payload_end;
    while (end - at > 4 && at[0] == 0 && at[1] == SMALL_ULONG) {
        size_t size = 0;
        const unsigned char *content = at[3] == EMPTY_LIST ? at + 4 : read_size(at + 3, end, &size);
        if (content == NULL || (at[2] == DATA && size >= capacity))
            break;
        if (at[2] == DATA) {
            memcpy(text, content, size);
            text[size] = '\0';
            return true;
        }
        at = content + size;
    }
    return failed("a message without a Data section");
}
