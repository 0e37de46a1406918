#include "device.h"

#include "failure.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DIGEST = 32, BASE64_DIGEST = 45, TOKEN_LIFETIME_SECONDS = 3600 };

bool decode_group_key(struct fleet *fleet, const char *base64) {
    unsigned char decoded[96];
    size_t length = strlen(base64);
    if (length == 0 || length % 4 != 0 || length > 88)
        return failed("the group key is not the base64 of 1 to 64 bytes");
    int count = EVP_DecodeBlock(decoded, (const unsigned char *)base64, (int)length);
    if (count < 0)
        return failed("the group key is not base64");
    count -= (base64[length - 1] == '=') + (base64[length - 2] == '='); /* EVP counts the padding */
    memcpy(fleet->group_key, decoded, (size_t)count);
    fleet->group_key_length = (size_t)count;
    return true;
}

static void sign(unsigned char digest[DIGEST], const unsigned char *key, size_t key_length, const char *text) {
    HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text), digest, NULL);
}

/* Base64 of a digest with the three characters that a query string does not take spelt as %XX. */
static void encode_signature(char *encoded, const unsigned char digest[DIGEST]) {
    unsigned char base64[BASE64_DIGEST];
    int length = EVP_EncodeBlock(base64, digest, DIGEST);
    for (int i = 0; i < length; i++) {
        if (strchr("+/=", base64[i]) != NULL)
            encoded += sprintf(encoded, "%%%02X", base64[i]);
        else
            *encoded++ = (char)base64[i];
    }
    *encoded = '\0';
}

static void make_token(struct device *device, const struct fleet *fleet) {
    unsigned char key[DIGEST], digest[DIGEST];
    char resource[192], signed_text[224], signature[3 * BASE64_DIGEST];
    long long expiry = (long long)time(NULL) + TOKEN_LIFETIME_SECONDS;
    sign(key, fleet->group_key, fleet->group_key_length, device->registration_id);
    snprintf(resource, sizeof resource, "%s%%2Fregistrations%%2F%s", fleet->id_scope, device->registration_id);
    snprintf(signed_text, sizeof signed_text, "%s\n%lld", resource, expiry);
    sign(digest, key, sizeof key, signed_text);
    encode_signature(signature, digest);
    snprintf(device->token, sizeof device->token, "SharedAccessSignature sr=%s&sig=%s&se=%lld", resource, signature,
             expiry);
}

void make_device(struct device *device, const struct fleet *fleet, long index) {
    snprintf(device->registration_id, sizeof device->registration_id, "%s%08ld", fleet->prefix,
             fleet->first + index * fleet->stride);
    device->token[0] = '\0';
    device->credential = fleet->credentials.count > 0 ? &fleet->credentials.each[index] : NULL;
    if (device->credential == NULL)
        make_token(device, fleet);
}
