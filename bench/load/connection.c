#include "connection.h"

#include "failure.h"
#include "fibers.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static atomic_long certificate_requests;
static atomic_long session_tickets;

/* OpenSSL calls this only when the server has asked. */
static int answer_certificate_request(SSL *tls, void *unused) {
    const struct credential *credential = SSL_get_app_data(tls);
    (void)unused;
    certificate_requests++;
    return credential == NULL || use_credential(tls, credential); /* with none, the server goes on without */
}

static int count_session_ticket(SSL *tls, SSL_SESSION *session) {
    (void)tls, (void)session;
    session_tickets++;
    return 0; /* not kept */
}

static bool failed_in_tls(const char *doing) {
    char reason[256] = "connection closed";
    unsigned long code = ERR_get_error();
    if (code != 0)
        ERR_error_string_n(code, reason, sizeof reason);
    else if (errno != 0)
        return failed("%s: %s", doing, strerror(errno));
    return failed("%s: %s", doing, reason);
}

static SSL_CTX *new_tls_context(void) {
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(context, "X25519");
    SSL_CTX_set_ciphersuites(context, "TLS_AES_256_GCM_SHA384");
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, count_session_ticket);
    SSL_CTX_set_cert_cb(context, answer_certificate_request, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN); /* a device sends what it was given, and looks for no more */
    return context;
}

bool resolve_endpoint(struct endpoint *endpoint, const char *address, const char *port, bool with_tls) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    int code = getaddrinfo(address, port, &hints, &found);
    if (code != 0)
        return failed("address %s port %s: %s", address, port, gai_strerror(code));
    memcpy(&endpoint->address, found->ai_addr, found->ai_addrlen);
    endpoint->address_length = found->ai_addrlen;
    freeaddrinfo(found);
    endpoint->tls = with_tls ? new_tls_context() : NULL;
    return endpoint->tls != NULL || !with_tls || failed_in_tls("TLS context");
}

void free_endpoint(struct endpoint *endpoint) { SSL_CTX_free(endpoint->tls); }

static void set_options(int socket) {
    int on = 1;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

static void forget_errors(void) {
    ERR_clear_error();
    errno = 0;
}

/* Whether to call OpenSSL again, now that there is news of the socket that it waits for. */
static bool is_to_repeat(const struct connection *connection, int result) {
    int reason = SSL_get_error(connection->tls, result);
    return (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) && wait_for_socket();
}

static bool handshake(struct connection *connection, SSL_CTX *context, const struct credential *credential) {
    connection->tls = SSL_new(context);
    if (connection->tls == NULL || SSL_set_fd(connection->tls, connection->socket) != 1 ||
        SSL_set_app_data(connection->tls, (void *)credential) != 1)
        return failed_in_tls("TLS");
    int result;
    do {
        forget_errors();
        result = SSL_connect(connection->tls);
    } while (result != 1 && is_to_repeat(connection, result));
    return result == 1 || failed_in_tls("TLS handshake");
}

/* Who sends next waits until it is connected, and learns then if it cannot be. */
static bool begin_to_connect(int socket, const struct endpoint *endpoint) {
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    return connect(socket, address, endpoint->address_length) == 0 || errno == EINPROGRESS ||
           failed("connect: %s", strerror(errno));
}

bool open_connection(struct connection *connection, const struct endpoint *endpoint,
                     const struct credential *credential) {
    connection->tls = NULL;
    connection->socket = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection->socket < 0)
        return failed("socket: %s", strerror(errno));
    set_options(connection->socket);
    bool opened = begin_to_connect(connection->socket, endpoint) && watch_socket(connection->socket) &&
                  (endpoint->tls == NULL || handshake(connection, endpoint->tls, credential));
    if (!opened)
        reset_connection(connection);
    return opened;
}

static bool send_plain(int socket, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
        if (sent < 0 && !(errno == EAGAIN && wait_for_socket()))
            return failed("send: %s", strerror(errno));
        size_t taken = sent < 0 ? 0 : (size_t)sent;
        bytes += taken;
        length -= taken;
    }
    return true;
}

static bool receive_plain(int socket, void *bytes, size_t capacity, size_t *received) {
    ssize_t count;
    do
        count = recv(socket, bytes, capacity, 0);
    while (count < 0 && errno == EAGAIN && wait_for_socket());
    if (count <= 0)
        return failed("receive: %s", count == 0 ? "connection closed" : strerror(errno));
    *received = (size_t)count;
    return true;
}

bool send_bytes(struct connection *connection, const void *bytes, size_t length) {
    size_t sent;
    int result;
    if (connection->tls == NULL)
        return send_plain(connection->socket, bytes, length);
    do {
        forget_errors();
        result = SSL_write_ex(connection->tls, bytes, length, &sent);
    } while (result != 1 && is_to_repeat(connection, result));
    return result == 1 || failed_in_tls("send");
}

bool receive_some(struct connection *connection, void *bytes, size_t capacity, size_t *received) {
    int result;
    if (connection->tls == NULL)
        return receive_plain(connection->socket, bytes, capacity, received);
    do {
        forget_errors();
        result = SSL_read_ex(connection->tls, bytes, capacity, received);
    } while (result != 1 && is_to_repeat(connection, result));
    return result == 1 || failed_in_tls("receive");
}

bool receive_exactly(struct connection *connection, void *bytes, size_t length) {
    char *next = bytes;
    while (length > 0) {
        size_t received;
        if (!receive_some(connection, next, length, &received))
            return false;
        next += received;
        length -= received;
    }
    return true;
}

void reset_connection(struct connection *connection) {
    SSL_free(connection->tls);
    if (connection->socket >= 0)
        close(connection->socket);
    connection->tls = NULL;
    connection->socket = -1;
}

struct handshakes handshakes_seen(void) {
    return (struct handshakes){certificate_requests, session_tickets};
}
