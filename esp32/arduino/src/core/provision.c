/* What a board finds in its flash memory may be anything. */
#include "provision.h"
#include "text.h"

#include <string.h>

#define TCP_PORT 1883
#define TLS_PORT 8883

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool ts_code_normalise(const char *code, char key[TS_CLAIM_KEY_BYTES]) {
    size_t size = 0;

    for (; *code != '\0'; code++) {
        char c = lower(*code);
        if (c == '-' || c == ' ') continue;
        if (c == 'i' || c == 'l') c = '1';
        if (c == 'o') c = '0';
        if ((!is_letter(c) && !is_digit(c)) || c == 'u' || size + 1 == TS_CLAIM_KEY_BYTES) return false;
        key[size++] = c;
    }
    key[size] = '\0';
    return size + 1 == TS_CLAIM_KEY_BYTES;
}

bool ts_text_is_hex(ts_text text, size_t digits) {
    if (text.size != digits) return false;
    for (size_t i = 0; i < digits; i++)
        if (!is_digit(text.data[i]) && (lower(text.data[i]) < 'a' || lower(text.data[i]) > 'f')) return false;
    return true;
}

static bool skip(const char **text, const char *beginning) {
    const char *at = *text;
    for (; *beginning != '\0'; beginning++)
        if (*at++ != *beginning) return false;
    *text = at;
    return true;
}

/* Return how long the host is, at its beginning: a name, an address, or one of IPv6 in brackets. */
static size_t host_size(const char *text, bool *brackets) {
    size_t size = 0;

    *brackets = text[0] == '[';
    if (*brackets) text++;
    while (is_letter(lower(text[size])) || is_digit(text[size]) || text[size] == '.' || text[size] == '-' ||
           (*brackets && text[size] == ':'))
        size++;
    return size;
}

static bool read_port(const char *text, uint16_t *port) {
    uint32_t number = 0;

    if (text[0] == '\0') return true; /* the usual one */
    if (*text++ != ':') return false;
    for (; is_digit(*text); text++) {
        number = number * 10 + (uint32_t)(*text - '0');
        if (number > UINT16_MAX) return false;
    }
    *port = (uint16_t)number;
    return number > 0 && *text == '\0';
}

bool ts_uri_read(const char *uri, char *host, size_t host_bytes, uint16_t *port, bool *tls) {
    bool brackets;
    size_t size;

    *tls = skip(&uri, "mqtts://");
    if (!*tls && !skip(&uri, "mqtt://")) return false;
    size = host_size(uri, &brackets);
    uri += brackets ? 1 : 0;
    if (size == 0 || size >= host_bytes) return false;
    memcpy(host, uri, size);
    host[size] = '\0';
    uri += size;
    if (brackets && *uri++ != ']') return false;
    *port = *tls ? TLS_PORT : TCP_PORT;
    return read_port(uri, port);
}

static bool is_terminated(const char *text, size_t size) { return memchr(text, '\0', size) != NULL; }

static bool is_certificate(const char *text) { return skip(&text, "-----BEGIN CERTIFICATE-----"); }

static bool is_printable(const char *text) {
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~') return false;
    return true;
}

/* Nothing but texts is read from here on. */
static ts_provision_fault check_termination(const ts_provision *provision) {
    if (!is_terminated(provision->uri, sizeof provision->uri)) return TS_PROVISION_URI;
    if (!is_terminated(provision->ca, sizeof provision->ca)) return TS_PROVISION_CA;
    if (!is_terminated(provision->prefix, sizeof provision->prefix)) return TS_PROVISION_PREFIX;
    if (!is_terminated(provision->id, sizeof provision->id)) return TS_PROVISION_ID;
    if (!is_terminated(provision->secret, sizeof provision->secret)) return TS_PROVISION_SECRET;
    return is_terminated(provision->code, sizeof provision->code) ? TS_PROVISION_OK : TS_PROVISION_CODE;
}

static bool is_code(const char *code) {
    char key[TS_CLAIM_KEY_BYTES];
    return ts_code_normalise(code, key);
}

static ts_provision_fault check_login(const ts_provision *provision) {
    if (provision->id[0] == '\0' || provision->secret[0] == '\0')
        return is_code(provision->code) ? TS_PROVISION_OK : TS_PROVISION_CODE;
    if (!ts_text_is_id(ts_text_of(provision->id))) return TS_PROVISION_ID;
    return is_printable(provision->secret) ? TS_PROVISION_OK : TS_PROVISION_SECRET;
}

ts_provision_fault ts_provision_check(const ts_provision *provision) {
    ts_provision_fault fault = check_termination(provision);
    char host[TS_URI_BYTES];
    uint16_t port;
    bool tls;

    if (fault != TS_PROVISION_OK) return fault;
    if (provision->code[0] == '\0' && (provision->id[0] == '\0' || provision->secret[0] == '\0'))
        return TS_PROVISION_MISSING;
    if (!ts_uri_read(provision->uri, host, sizeof host, &port, &tls)) return TS_PROVISION_URI;
    if (provision->ca[0] != '\0' && !is_certificate(provision->ca)) return TS_PROVISION_CA;
    if (!ts_text_is_prefix(provision->prefix)) return TS_PROVISION_PREFIX;
    return check_login(provision);
}
