/* mbed-tls.readthedocs.io, 3.x: "md.h" */
#pragma once
#include <stddef.h>
typedef enum { MBEDTLS_MD_NONE, MBEDTLS_MD_SHA256 = 9 } mbedtls_md_type_t;
typedef struct mbedtls_md_info_t mbedtls_md_info_t;
const mbedtls_md_info_t *mbedtls_md_info_from_type(mbedtls_md_type_t type);
int mbedtls_md_hmac(const mbedtls_md_info_t *info, const unsigned char *key, size_t key_size,
                    const unsigned char *input, size_t size, unsigned char *output);
