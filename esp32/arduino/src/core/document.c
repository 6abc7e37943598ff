/* Reading the session document. A key that is missing or null leaves its default; one of the wrong kind is refused. */
#include "internal.h"

#include <string.h>

/* Find a key that is there and is not null. */
static bool find(ts_text document, const char *key, ts_text *value) {
    return ts_json_find(document, key, value) && !ts_json_is_null(*value);
}

static bool read_u32(ts_text document, const char *key, uint32_t *number) {
    ts_text value;
    return !find(document, key, &value) || ts_json_u32(value, number);
}

static bool read_bool(ts_text document, const char *key, bool *truth) {
    ts_text value;
    return !find(document, key, &value) || ts_json_bool(value, truth);
}

static bool read_text(ts_text document, const char *key, char *buffer, size_t size) {
    ts_text value;
    buffer[0] = '\0';
    return !find(document, key, &value) || ts_json_string(value, buffer, size);
}

static uint8_t state_of(ts_text word, bool in_use) {
#define WORD(NAME, TEXT) TEXT,
    static const char *const words[] = {TS_SESSION_DOCUMENT_STATE_WORDS(WORD)};
#undef WORD
    for (uint8_t i = 0; i < TS_STATES; i++)
        if (ts_json_equals(word, words[i])) return i;
    return in_use ? TS_STATE_ACTIVE : TS_STATE_FREE; /* a newer server has more words: in_use is what counts */
}

static bool read_state(ts_text document, ts_session *session) {
    ts_text word, value;

    if (!find(document, TS_KEY_IN_USE, &value) || !ts_json_bool(value, &session->in_use) ||
        !find(document, TS_KEY_FENCE, &value) || !ts_json_u32(value, &session->fence) ||
        !find(document, TS_KEY_STATE, &word) || !ts_json_is_string(word))
        return false;
    session->state = state_of(word, session->in_use);
    return true;
}

static bool read_lease(ts_text document, ts_session *session) {
    ts_text value;

    session->lease = find(document, TS_KEY_EXPIRES_IN_S, &value);
    if (!session->lease) return true;
    if (!ts_json_millis(value, &session->lease_ms)) return false;
    if (session->lease_ms > TS_LONGEST_MS) session->lease_ms = TS_LONGEST_MS;
    return true;
}

static bool read_work(ts_text document, ts_work *work) {
    work->type = ts_text_of("\"\"");
    work->input = ts_text_of("{}");
    return (!find(document, TS_KEY_TYPE, &work->type) || ts_json_is_string(work->type)) &&
           (!find(document, TS_KEY_INPUT, &work->input) || ts_json_is_map(work->input));
}

static bool read_queue(ts_text document, ts_session *session) {
    ts_text queue;

    session->waiting = 0;
    if (!find(document, TS_KEY_QUEUE, &queue)) return true;
    session->waiting = ts_json_length(queue);
    return ts_json_is_array(queue);
}

const char *ts_document_read(ts_text data, ts_session *session, ts_work *work) {
    if (!ts_json_is_object(data)) return TS_CODE_BAD_JSON;
    session->job = 0;
    session->complete = false;
    if (!read_state(data, session) || !read_lease(data, session) || !read_work(data, work) ||
        !read_queue(data, session) || !read_u32(data, TS_KEY_JOB, &session->job) ||
        !read_u32(data, TS_KEY_REVISION, &session->revision) || !read_bool(data, TS_KEY_COMPLETE, &session->complete) ||
        !read_text(data, TS_KEY_SESSION, session->id, sizeof session->id) ||
        !read_text(data, TS_KEY_HOLDER, session->holder, sizeof session->holder) ||
        !read_text(data, TS_KEY_HOLDER_NAME, session->holder_name, sizeof session->holder_name))
        return TS_CODE_BAD_MESSAGE;
    return NULL;
}
