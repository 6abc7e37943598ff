/* arm-software.github.io/psa-api/crypto: key management, message authentication codes */
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef int32_t psa_status_t;
typedef uint32_t psa_key_id_t;
typedef uint32_t psa_algorithm_t;
typedef uint32_t psa_key_usage_t;
typedef uint16_t psa_key_type_t;
typedef struct {
    int magic;
} psa_key_attributes_t;
#define PSA_SUCCESS ((psa_status_t)0)
#define PSA_KEY_ATTRIBUTES_INIT {0}
#define PSA_KEY_USAGE_SIGN_MESSAGE ((psa_key_usage_t)0x400)
#define PSA_KEY_TYPE_HMAC ((psa_key_type_t)0x1100)
#define PSA_ALG_SHA_256 ((psa_algorithm_t)0x02000009)
#define PSA_ALG_HMAC(hash) ((psa_algorithm_t)(0x03800000 | ((hash) & 0xff)))
psa_status_t psa_crypto_init(void);
void psa_set_key_usage_flags(psa_key_attributes_t *attributes, psa_key_usage_t flags);
void psa_set_key_algorithm(psa_key_attributes_t *attributes, psa_algorithm_t algorithm);
void psa_set_key_type(psa_key_attributes_t *attributes, psa_key_type_t type);
psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data, size_t size,
                            psa_key_id_t *key);
psa_status_t psa_mac_compute(psa_key_id_t key, psa_algorithm_t algorithm, const uint8_t *input, size_t size,
                             uint8_t *mac, size_t mac_size, size_t *mac_length);
psa_status_t psa_destroy_key(psa_key_id_t key);
