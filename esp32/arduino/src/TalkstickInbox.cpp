#include "TalkstickInbox.h"

#include <stdlib.h>
#include <string.h>

TalkstickInbox::TalkstickInbox() : _ring(NULL), _size(0), _head(0), _tail(0), _taken(0), _at(0), _next(0), _data(0) {}

TalkstickInbox::~TalkstickInbox() { free(_ring); }

bool TalkstickInbox::begin(size_t bytes) {
    if (_ring != NULL) return true;
    _size = bytes & ~size_t(3); // so that a record, or the mark that there is none, fits where one ends
    _ring = static_cast<uint8_t *>(malloc(_size));
    return _ring != NULL;
}

size_t TalkstickInbox::needed(size_t topic, size_t data) { return (sizeof(Record) + topic + data + 3) & ~size_t(3); }

bool TalkstickInbox::couldHold(size_t topic, size_t data, size_t spare) const {
    return needed(topic, data) + spare < _size;
}

bool TalkstickInbox::put(const ts_event &event, size_t spare) {
    if (!open(event, event.data.size, spare)) return false;
    fill(0, event.data.data, event.data.size);
    close();
    return true;
}

/* Find room for so many bytes in one piece: at the head, or at the start of the ring when the rest of it is too short.
 * Head and tail are equal only when the ring is empty, so it is never quite full. */
bool TalkstickInbox::reserve(size_t bytes, size_t spare) {
    if (_ring == NULL) return false;
    std::lock_guard<std::mutex> guard(_lock);
    if (_head == _tail) _head = _tail = _taken = 0; // empty, and nothing is looked at: begin at the start
    const size_t room = _head >= _tail ? _size - _head + _tail : _tail - _head;
    if (room <= bytes + spare) return false;
    _at = _head;
    if (_head < _tail) return true; // the room is in one piece
    if (_size - _head > bytes || (_size - _head == bytes && _tail > 0)) return true;
    if (_tail <= bytes) return false;
    const uint32_t mark = 0;
    memcpy(_ring + _head, &mark, sizeof(mark));
    _at = 0;
    return true;
}

bool TalkstickInbox::open(const ts_event &event, size_t dataSize, size_t spare) {
    const size_t bytes = needed(event.topic.size, dataSize);
    if (!reserve(bytes, spare)) return false;
    Record record = Record();
    record.bytes = static_cast<uint32_t>(bytes);
    record.number = event.number;
    record.topicSize = static_cast<uint32_t>(event.topic.size);
    record.dataSize = static_cast<uint32_t>(dataSize);
    record.token = event.token;
    record.kind = static_cast<uint8_t>(event.kind);
    record.on = event.on ? 1 : 0;
    memcpy(_ring + _at, &record, sizeof(record));
    if (event.topic.size > 0) memcpy(_ring + _at + sizeof(record), event.topic.data, event.topic.size);
    _data = _at + sizeof(record) + event.topic.size;
    _next = _at + bytes == _size ? 0 : _at + bytes;
    return true;
}

void TalkstickInbox::fill(size_t at, const void *data, size_t size) {
    if (size > 0) memcpy(_ring + _data + at, data, size);
}

void TalkstickInbox::close() {
    std::lock_guard<std::mutex> guard(_lock);
    _head = _next;
}

bool TalkstickInbox::take(ts_event &event) {
    std::lock_guard<std::mutex> guard(_lock);
    _tail = _taken; // what was taken before is done with
    if (_tail == _head) return false;
    Record record;
    size_t at = _tail;
    memcpy(&record.bytes, _ring + at, sizeof(record.bytes));
    if (record.bytes == 0) at = 0;
    memcpy(&record, _ring + at, sizeof(record));
    _taken = at + record.bytes == _size ? 0 : at + record.bytes;
    const char *bytes = reinterpret_cast<const char *>(_ring + at + sizeof(record));
    event = ts_event();
    event.kind = static_cast<ts_event_kind>(record.kind);
    event.on = record.on != 0;
    event.number = record.number;
    event.token = record.token;
    event.topic = {bytes, record.topicSize};
    event.data = {bytes + record.topicSize, record.dataSize};
    return true;
}

void TalkstickInbox::putBack() {
    std::lock_guard<std::mutex> guard(_lock);
    _taken = _tail;
}
