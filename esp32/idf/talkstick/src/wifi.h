/* Wi-Fi, as a station. */
#ifndef TS_WIFI_H
#define TS_WIFI_H

#include <stdbool.h>
#include <stdint.h>

/* Begin to connect, and go on for ever. "" as the password: an open network. Returns false where these are no name and
 * password of a network. */
bool ts_wifi_init(const char *ssid, const char *password);

/* Wait until there is an address; tell whether there is. */
bool ts_wifi_wait(uint32_t ms);

#endif
