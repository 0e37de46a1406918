/* The connection of `connection.h` without waiting: for one thread that holds thousands of them.
 *
 * Only connecting and the handshake can be unfinished. What a device sends is smaller than any socket's buffer, so
 * `send_bytes` serves here as well; a socket that does not take it counts as broken.
 */
#ifndef HOMEPORT_LOAD_ASYNC_CONNECTION_H
#define HOMEPORT_LOAD_ASYNC_CONNECTION_H

#include "connection.h"

enum progress { FINISHED, UNFINISHED, BROKEN };

/* Begin to connect; on IPv4 loopback from an address that belongs to the `index`-th device: fleets have many. */
bool begin_connection(struct connection *connection, const struct endpoint *endpoint,
                      const struct credential *credential, long index);

/* The peer's turn begins, with what is sent next; and it ended, with what was received last. `waited` is the sum of all
 * its turns. A turn ends when the bytes were in our kernel, whose time stamps say so: a generator that has too much to
 * do comes to them later, and that is none of the peer's doing. */
double wall_clock(void);
void begin_to_wait(struct connection *connection);
void end_to_wait(struct connection *connection);

/* Once the socket can be written to: whether it is connected. */
bool is_connected(const struct connection *connection);

enum progress continue_handshake(struct connection *connection);

/* What has arrived, up to `capacity`: UNFINISHED when nothing has, BROKEN at the end of the stream. */
enum progress receive_arrived(struct connection *connection, void *bytes, size_t capacity, size_t *received);

#endif
