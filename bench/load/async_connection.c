#include "async_connection.h"

#include "failure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS = 250, NETWORKS = 250 };

static bool is_ipv4_loopback(const struct endpoint *endpoint) {
    const struct sockaddr_in *address = (const struct sockaddr_in *)&endpoint->address;
    return endpoint->address.ss_family == AF_INET && ntohl(address->sin_addr.s_addr) >> 24 == 127;
}

/* 127.95.0.1 to 127.95.249.250, one after the other. */
static bool bind_to_own_address(int socket, long index) {
    unsigned network = (unsigned)(index / HOSTS % NETWORKS), host = (unsigned)(index % HOSTS) + 1;
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(127u << 24 | 95u << 16 | network << 8 | host);
    int on = 1;
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(socket, (struct sockaddr *)&address, sizeof address) == 0 || failed("bind: %s", strerror(errno));
}

static void set_options(int socket) {
    int on = 1;
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(socket, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
}

/* --- a BIO as OpenSSL's own for sockets, but with the kernel's time stamps ------------------------------------ */

static double seconds(const struct timespec *time) { return (double)time->tv_sec + (double)time->tv_nsec / 1e9; }

double wall_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return seconds(&time);
}

static double time_stamp(struct msghdr *message) {
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec time;
            memcpy(&time, CMSG_DATA(part), sizeof time);
            return seconds(&time);
        }
    }
    return wall_clock();
}

static int read_stamped(BIO *bio, char *bytes, int capacity) {
    struct connection *connection = BIO_get_data(bio);
    char parts[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec place = {.iov_base = bytes, .iov_len = (size_t)capacity};
    struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = parts, .msg_controllen = sizeof parts};
    ssize_t count = recvmsg(connection->socket, &message, 0);
    BIO_clear_retry_flags(bio);
    if (count > 0)
        connection->arrived = time_stamp(&message);
    else if (count < 0 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    return (int)count;
}

static int write_bytes(BIO *bio, const char *bytes, int length) {
    struct connection *connection = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    return (int)send(connection->socket, bytes, (size_t)length, MSG_NOSIGNAL);
}

static long control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *stamped_method(void) {
    static BIO_METHOD *method; /* the storm has one thread */
    if (method == NULL && (method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stamped")) != NULL) {
        BIO_meth_set_read(method, read_stamped);
        BIO_meth_set_write(method, write_bytes);
        BIO_meth_set_ctrl(method, control);
    }
    return method;
}

static bool use_stamped_socket(struct connection *connection) {
    BIO *bio = BIO_new(stamped_method());
    if (bio == NULL)
        return false;
    BIO_set_data(bio, connection);
    BIO_set_init(bio, 1);
    SSL_set_bio(connection->tls, bio, bio);
    return true;
}

void begin_to_wait(struct connection *connection) { connection->asked = wall_clock(); }

void end_to_wait(struct connection *connection) { connection->waited += connection->arrived - connection->asked; }

/* --- connecting ------------------------------------------------------------------------------------------------ */

static bool prepare_tls(struct connection *connection, SSL_CTX *context, const struct credential *credential) {
    connection->tls = SSL_new(context);
    if (connection->tls == NULL || !use_stamped_socket(connection) ||
        SSL_set_app_data(connection->tls, (void *)credential) != 1)
        return failed("TLS: out of memory");
    SSL_set_mode(connection->tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_set_connect_state(connection->tls);
    return true;
}

static bool start(struct connection *connection, const struct endpoint *endpoint) {
    const struct sockaddr *address = (const struct sockaddr *)&endpoint->address;
    return connect(connection->socket, address, endpoint->address_length) == 0 || errno == EINPROGRESS ||
           failed("connect: %s", strerror(errno));
}

bool begin_connection(struct connection *connection, const struct endpoint *endpoint,
                      const struct credential *credential, long index) {
    connection->tls = NULL;
    connection->socket = socket(endpoint->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection->socket < 0)
        return failed("socket: %s", strerror(errno));
    set_options(connection->socket);
    bool begun = (!is_ipv4_loopback(endpoint) || bind_to_own_address(connection->socket, index)) &&
                 prepare_tls(connection, endpoint->tls, credential) && start(connection, endpoint);
    if (!begun)
        reset_connection(connection);
    return begun;
}

bool is_connected(const struct connection *connection) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->socket, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 || failed("connect: %s", strerror(error));
}

static enum progress progress_of(const struct connection *connection, int result, const char *doing) {
    int reason = SSL_get_error(connection->tls, result);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return UNFINISHED;
    failed("%s: broken off", doing);
    return BROKEN;
}

enum progress continue_handshake(struct connection *connection) {
    ERR_clear_error();
    int result = SSL_do_handshake(connection->tls);
    return result == 1 ? FINISHED : progress_of(connection, result, "TLS handshake");
}

enum progress receive_arrived(struct connection *connection, void *bytes, size_t capacity, size_t *received) {
    ERR_clear_error();
    int result = SSL_read_ex(connection->tls, bytes, capacity, received);
    return result == 1 ? FINISHED : progress_of(connection, result, "receive");
}
