/* Texts that the core has shown, and what stands in them. */
#include "Talkstick.h"

#include <string.h>

#include "core/talkstick_json.h"

bool TalkstickText::operator==(const char *other) const {
    return size == strlen(other) && (size == 0 || memcmp(data, other, size) == 0);
}

void TalkstickText::copy(char *to, size_t bytes) const {
    const size_t length = size < bytes ? size : bytes - 1;
    if (length > 0) memcpy(to, data, length);
    to[length] = '\0';
}

bool TalkstickText::find(const char *key, uint32_t &number) const {
    ts_text value;
    return ts_json_is_object(*this) && ts_json_find(*this, key, &value) && ts_json_u32(value, &number);
}

bool TalkstickText::find(const char *key, bool &truth) const {
    ts_text value;
    return ts_json_is_object(*this) && ts_json_find(*this, key, &value) && ts_json_bool(value, &truth);
}

bool TalkstickText::find(const char *key, char *text, size_t bytes) const {
    ts_text value;
    return ts_json_is_object(*this) && ts_json_find(*this, key, &value) && ts_json_string(value, text, bytes);
}
