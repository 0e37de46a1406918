/* One connection, with or without TLS. Whoever calls is a fiber, and waits in `wait_for_socket`.
 *
 * TLS is pinned to what both sides of a comparison can do alike: version 1.3, X25519, AES-256-GCM, no
 * resumption. The server's certificate is not checked: that would cost the client as much as the whole
 * handshake costs the server, on the same cores, and measure nothing.
 */
#ifndef HOMEPORT_LOAD_CONNECTION_H
#define HOMEPORT_LOAD_CONNECTION_H

#include "credentials.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

struct endpoint {
    struct sockaddr_storage address;
    socklen_t address_length;
    SSL_CTX *tls; /* NULL: plain TCP */
};

struct connection {
    int socket;
    SSL *tls; /* NULL: plain TCP */
    /* Of one that does not block (async_connection.h), in seconds; the first two by the wall clock. */
    double asked, arrived;
    double waited;
};

/* What the server's handshakes were like; two servers are comparable when theirs agree. */
struct handshakes {
    long certificate_requests;
    long session_tickets;
};

/* `address` is a numeric IPv4 or IPv6 address. */
bool resolve_endpoint(struct endpoint *endpoint, const char *address, const char *port, bool with_tls);
void free_endpoint(struct endpoint *endpoint);

/* `credential` is what the device presents when the server asks; NULL: nothing. */
bool open_connection(struct connection *connection, const struct endpoint *endpoint,
                     const struct credential *credential);
bool send_bytes(struct connection *connection, const void *bytes, size_t length);

/* At least one byte, at most `capacity`; end of stream is a failure. */
bool receive_some(struct connection *connection, void *bytes, size_t capacity, size_t *received);
bool receive_exactly(struct connection *connection, void *bytes, size_t length);

/* By RST: a port in TIME_WAIT for each of some ten thousand connections would exhaust the range. */
void reset_connection(struct connection *connection);

struct handshakes handshakes_seen(void);

#endif
