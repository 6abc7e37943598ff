/* API Reference, System, Miscellaneous System APIs: "Software Reset" */
#pragma once
void esp_restart(void) __attribute__((noreturn));
