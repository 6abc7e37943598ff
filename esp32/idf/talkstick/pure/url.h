/* Where firmware may come from. */
#ifndef TS_URL_H
#define TS_URL_H

#include <stdbool.h>

/* Tell whether `url` lies below `place`: https://, a host, a slash, and perhaps more. Where `place` is less than that
 * nothing is below it: https://host without the slash is the beginning of https://host.example, too. */
bool ts_url_is_below(const char *url, const char *place);

#endif
