/* Finding what is in JSON. Only ts_json_is_object expects anything; the others go over text that was checked. */
#include "json_scan.h"

static ts_cursor cursor_of(ts_text text) {
    ts_cursor result = {text.data, text.data};
    if (text.data != NULL) result.end += text.size;
    return result;
}

bool ts_json_is_object(ts_text text) {
    ts_cursor at = cursor_of(text);
    ts_skip_space(&at);
    if (at.at == at.end || *at.at != '{' || !ts_take_value(&at)) return false;
    ts_skip_space(&at);
    return at.at == at.end;
}

static ts_text value_at(ts_cursor *text) {
    ts_text value;
    ts_skip_space(text);
    value.data = text->at;
    (void)ts_take_value(text);
    value.size = (size_t)(text->at - value.data);
    return value;
}

bool ts_json_find(ts_text object, const char *key, ts_text *value) {
    ts_cursor text = cursor_of(object);
    bool found = false;

    ts_skip_space(&text);
    if (!ts_take(&text, '{')) return false;
    do {
        ts_text name, one;
        ts_skip_space(&text);
        name.data = text.at;
        if (!ts_take_string(&text)) break;
        name.size = (size_t)(text.at - name.data);
        ts_skip_space(&text);
        (void)ts_take(&text, ':');
        one = value_at(&text);
        if (ts_json_equals(name, key)) {
            *value = one;
            found = true;
        }
        ts_skip_space(&text);
    } while (ts_take(&text, ','));
    return found;
}

uint16_t ts_json_length(ts_text array) {
    ts_cursor text = cursor_of(array);
    uint16_t length = 0;

    ts_skip_space(&text);
    if (!ts_take(&text, '[')) return 0;
    ts_skip_space(&text);
    if (ts_take(&text, ']')) return 0;
    do {
        (void)value_at(&text);
        if (length < UINT16_MAX) length++;
        ts_skip_space(&text);
    } while (ts_take(&text, ','));
    return length;
}
