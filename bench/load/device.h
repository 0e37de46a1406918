/* A simulated device: its registration ID, and the SAS token or the certificate that it presents.
 *
 * Keys are derived from one symmetric key (the group's), as a factory does it; individual enrollments
 * of the look-up case are filled with keys derived in the same way. A fleet that has certificates uses these
 * and no tokens. Nothing here touches a socket.
 */
#ifndef HOMEPORT_LOAD_DEVICE_H
#define HOMEPORT_LOAD_DEVICE_H

#include "credentials.h"

#include <stdbool.h>
#include <stddef.h>

struct fleet {
    const char *id_scope;
    const char *prefix; /* registration ID = prefix + number, eight digits */
    long first;         /* number of the first device */
    long stride;        /* distance between one device's number and the next one's */
    long size;          /* devices there are; look-ups go round them again and again */
    unsigned char group_key[64];
    size_t group_key_length;
    struct credentials credentials; /* one for each device, if any */
};

struct device {
    char registration_id[64];
    char token[512];                     /* SharedAccessSignature sr=…&sig=…&se=…, or empty */
    const struct credential *credential; /* or NULL */
};

bool decode_group_key(struct fleet *fleet, const char *base64);

/* The `index`-th device of the fleet, with its certificate, or else a token that is good for an hour. */
void make_device(struct device *device, const struct fleet *fleet, long index);

#endif
