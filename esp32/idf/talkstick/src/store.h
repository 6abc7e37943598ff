/* Flash memory: who the board is, as an NVS image or a claim has it, and what it counts by itself. All in one
 * namespace of the partition `nvs`; the names are in the contract header. */
#ifndef TS_STORE_H
#define TS_STORE_H

#include "talkstick_claim.h"

#define TS_WIFI_SSID_BYTES (TS_NVS_MAX_WIFI_SSID + 1)
#define TS_WIFI_PASS_BYTES (TS_NVS_MAX_WIFI_PASS + 1)

/* Open it. What cannot be read is erased: the board is not provisioned then. */
void ts_store_init(void);

/* Read what was provisioned; what is absent is "". */
void ts_store_load(ts_provision *provision);

/* Read the Wi-Fi to use: that of the build where none was provisioned. */
void ts_store_wifi(char ssid[TS_WIFI_SSID_BYTES], char password[TS_WIFI_PASS_BYTES]);

uint32_t ts_store_boot(void);
void ts_store_save_boot(uint32_t boot);
uint32_t ts_store_time(void); /* seconds since the epoch; 0: not known */
void ts_store_save_time(uint32_t seconds);

/* Return the nonce of the claim: the one that is stored, else a new one, which is stored first. */
void ts_store_nonce(char nonce[TS_NONCE_BYTES]);

/* The claim was granted: store id and secret, and forget code and nonce. */
bool ts_store_claimed(const char *id, const char *secret);

/* Erase what was provisioned, Wi-Fi included. What the board counts stays. */
void ts_store_forget(void);

#endif
