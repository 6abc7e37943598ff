/* mbedTLS 4 (ESP-IDF 6) has no other interface than PSA for this; in ESP-IDF 5 PSA may be configured away. */
#include "hmac.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "esp_idf_version.h"

#define DIGEST_BYTES 32

#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0)
#include "psa/crypto.h"

static bool digest_of(const char *key, const char *message, uint8_t digest[DIGEST_BYTES]) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    size_t size;
    bool made;

    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_MESSAGE);
    psa_set_key_algorithm(&attributes, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    psa_set_key_type(&attributes, PSA_KEY_TYPE_HMAC);
    if (psa_crypto_init() != PSA_SUCCESS ||
        psa_import_key(&attributes, (const uint8_t *)key, strlen(key), &id) != PSA_SUCCESS)
        return false;
    made = psa_mac_compute(id, PSA_ALG_HMAC(PSA_ALG_SHA_256), (const uint8_t *)message, strlen(message), digest,
                           DIGEST_BYTES, &size) == PSA_SUCCESS;
    psa_destroy_key(id);
    return made && size == DIGEST_BYTES;
}
#else
#include "mbedtls/md.h"

static bool digest_of(const char *key, const char *message, uint8_t digest[DIGEST_BYTES]) {
    return mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const uint8_t *)key, strlen(key),
                           (const uint8_t *)message, strlen(message), digest) == 0;
}
#endif

bool ts_hmac(const char *key, const char *message, char digits[TS_HMAC_BYTES]) {
    uint8_t digest[DIGEST_BYTES];

    if (!digest_of(key, message, digest)) return false;
    for (size_t i = 0; i < sizeof digest; i++) snprintf(digits + 2 * i, 3, "%02x", digest[i]);
    return true;
}
