/* What devices present in a TLS handshake: for each a certificate, its private key and the certificates above it.
 *
 * Made beforehand by bench/device_certificates.py and read before anything is measured. The file is PEM: the first
 * device's certificate, its key, its intermediates, then the second device's certificate, and so on.
 */
#ifndef HOMEPORT_LOAD_CREDENTIALS_H
#define HOMEPORT_LOAD_CREDENTIALS_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct credential {
    EVP_PKEY *key;
    X509 *leaf;
    STACK_OF(X509) * above;
};

struct credentials {
    struct credential *each; /* NULL: the devices have none */
    long count;
};

bool load_credentials(struct credentials *credentials, const char *path);
void free_credentials(struct credentials *credentials);

/* Present this one on a connection whose server has asked for a certificate. */
bool use_credential(SSL *tls, const struct credential *credential);

#endif
