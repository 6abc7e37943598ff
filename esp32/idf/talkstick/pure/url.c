#include "url.h"

#include <string.h>

#define SCHEME "https://"

bool ts_url_is_below(const char *url, const char *place) {
    const char *host = place + strlen(SCHEME);

    if (strncmp(place, SCHEME, strlen(SCHEME)) != 0 || *host == '/' || strchr(host, '/') == NULL) return false;
    return strncmp(url, place, strlen(place)) == 0;
}
