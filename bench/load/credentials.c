#include "credentials.h"

#include "failure.h"

#include <openssl/pem.h>
#include <stdlib.h>

static bool begin_device(struct credentials *credentials, X509_INFO *found) {
    struct credential *device = &credentials->each[credentials->count++];
    device->key = found->x_pkey->dec_pkey;
    device->leaf = found->x509;
    device->above = sk_X509_new_null();
    return EVP_PKEY_up_ref(device->key) && X509_up_ref(device->leaf) && device->above != NULL;
}

/* OpenSSL puts a certificate and the key behind it into one entry; one without a key stands above the last device. */
static bool take(struct credentials *credentials, X509_INFO *found) {
    if (found->x509 == NULL)
        return failed("a key without a certificate");
    if (found->x_pkey != NULL && found->x_pkey->dec_pkey != NULL)
        return begin_device(credentials, found) || failed("out of memory");
    if (credentials->count == 0)
        return failed("the first certificate has no key");
    X509_up_ref(found->x509);
    return sk_X509_push(credentials->each[credentials->count - 1].above, found->x509) > 0 || failed("out of memory");
}

static STACK_OF(X509_INFO) * read_pem(const char *path) {
    BIO *file = BIO_new_file(path, "r");
    STACK_OF(X509_INFO) *found = file == NULL ? NULL : PEM_X509_INFO_read_bio(file, NULL, NULL, NULL);
    BIO_free(file);
    return found;
}

bool load_credentials(struct credentials *credentials, const char *path) {
    STACK_OF(X509_INFO) *found = read_pem(path);
    if (found == NULL)
        return failed("no PEM file of certificates: %s", path);
    int count = sk_X509_INFO_num(found);
    credentials->count = 0;
    credentials->each = calloc((size_t)count + 1, sizeof *credentials->each);
    bool done = credentials->each != NULL || failed("out of memory");
    for (int i = 0; done && i < count; i++)
        done = take(credentials, sk_X509_INFO_value(found, i));
    sk_X509_INFO_pop_free(found, X509_INFO_free);
    return done;
}

void free_credentials(struct credentials *credentials) {
    for (long i = 0; i < credentials->count; i++) {
        EVP_PKEY_free(credentials->each[i].key);
        X509_free(credentials->each[i].leaf);
        sk_X509_pop_free(credentials->each[i].above, X509_free);
    }
    free(credentials->each);
}

bool use_credential(SSL *tls, const struct credential *credential) {
    return SSL_use_cert_and_key(tls, credential->leaf, credential->key, credential->above, 1) == 1;
}
