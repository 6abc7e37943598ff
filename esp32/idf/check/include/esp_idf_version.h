/* API Reference, System, Miscellaneous System APIs: "SDK Version". The check compiles for both. */
#pragma once
#define ESP_IDF_VERSION_VAL(major, minor, patch) (((major) << 16) | ((minor) << 8) | (patch))
#ifndef CHECK_IDF_MAJOR
#define CHECK_IDF_MAJOR 5
#endif
#define ESP_IDF_VERSION ESP_IDF_VERSION_VAL(CHECK_IDF_MAJOR, 2, 0)
