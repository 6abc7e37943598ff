/* Generated from the route table and the message models by `make schemas`; do not edit.
 *
 * The contract between boards and server: topics, keys, words and limits. A level in braces is to be filled in; a
 * prefix, if the server has one, goes before every topic. README.md in the same folder explains all of it.
 */
#ifndef TALKSTICK_CONTRACT_H
#define TALKSTICK_CONTRACT_H

/* Topics */
#define TS_TOPIC_DEVICES_SESSION "devices/{device}/session"
#define TS_TOPIC_DEVICES_SESSION_REQUEST_PRINCIPAL "devices/{device}/session/request/{principal}"
#define TS_TOPIC_DEVICES_SESSION_REPLY_PRINCIPAL "devices/{device}/session/reply/{principal}"
#define TS_TOPIC_DEVICES_SESSION_EVENT "devices/{device}/session/event"
#define TS_TOPIC_DEVICES_COMMAND_NAME "devices/{device}/command/{name}"
#define TS_TOPIC_DEVICES_RESULT "devices/{device}/result"
#define TS_TOPIC_DEVICES_STATUS "devices/{device}/status"
#define TS_TOPIC_DEVICES_PRESENCE "devices/{device}/presence"
#define TS_TOPIC_DEVICES_INFO "devices/{device}/info"
#define TS_TOPIC_DEVICES_TELEMETRY "devices/{device}/telemetry"
#define TS_TOPIC_DEVICES_HEARTBEAT "devices/{device}/heartbeat"
#define TS_TOPIC_BACKEND_STATUS "backend/status"
#define TS_TOPIC_BACKEND_BROADCAST "backend/broadcast"
#define TS_TOPIC_DEVICES_AUDIO "devices/{device}/audio"
#define TS_TOPIC_DEVICES_AUDIO_TURN "devices/{device}/audio/{turn}"
#define TS_TOPIC_DEVICES_SPEECH_TURN "devices/{device}/speech/{turn}"
#define TS_TOPIC_DEVICES_CONVERSATION "devices/{device}/conversation"
#define TS_TOPIC_DEVICES_CONVERSATION_REQUEST_PRINCIPAL "devices/{device}/conversation/request/{principal}"
#define TS_TOPIC_DEVICES_CONVERSATION_REPLY_PRINCIPAL "devices/{device}/conversation/reply/{principal}"
#define TS_TOPIC_TRIGGERS_TRIGGER "triggers/{trigger}"
#define TS_TOPIC_PROVISION_REQUEST_PRINCIPAL "provision/request/{principal}"
#define TS_TOPIC_PROVISION_REPLY_PRINCIPAL "provision/reply/{principal}"

/* Limits */
#define TS_MAX_ID 63
#define TS_MAX_TOPIC 1024
#define TS_MAX_PAYLOAD 262144
#define TS_MAX_DEPTH 32
#define TS_MAX_NUMBER 4294967295u
#define TS_MAX_FRAME 16384
#define TS_USUAL_FRAME 1400
#define TS_USUAL_BUFFER_MS 1000
#define TS_SILENCE_MS 120000

/* Audio frames: the bytes of a header, flags, codecs */
#define TS_FRAME_HEADER 4
#define TS_FLAG_START 1
#define TS_FLAG_END 2
#define TS_FLAG_ABORT 4
#define TS_CODEC_PCM16_16K 0
#define TS_CODEC_PCM16_8K 1
#define TS_CODEC_MULAW_8K 2
#define TS_CODEC_OPUS 3
#define TS_CODEC_MP3 4
#define TS_CODEC_WAV 5
#define TS_CODECS(X) X(PCM16_16K, "pcm16_16k") X(PCM16_8K, "pcm16_8k") X(MULAW_8K, "mulaw_8k") X(OPUS, "opus") X(MP3, "mp3") X(WAV, "wav")

/* Keys of the messages */
#define TS_KEY_ACTION "action"
#define TS_KEY_ACTIVE "active"
#define TS_KEY_AFTER_MS "after_ms"
#define TS_KEY_ANSWER "answer"
#define TS_KEY_AT "at"
#define TS_KEY_AUDIO "audio"
#define TS_KEY_AUDIO_MS "audio_ms"
#define TS_KEY_AWAY "away"
#define TS_KEY_BEFORE "before"
#define TS_KEY_BOOT "boot"
#define TS_KEY_BUFFER_MS "buffer_ms"
#define TS_KEY_BY "by"
#define TS_KEY_CACHED "cached"
#define TS_KEY_CAPABILITIES "capabilities"
#define TS_KEY_CLEAN_STEP "clean_step"
#define TS_KEY_CLIENT "client"
#define TS_KEY_CODE "code"
#define TS_KEY_COMPLETE "complete"
#define TS_KEY_CONFIDENCE "confidence"
#define TS_KEY_DATA "data"
#define TS_KEY_DEVICE "device"
#define TS_KEY_ENDED_AT "ended_at"
#define TS_KEY_ETA_S "eta_s"
#define TS_KEY_EVENT "event"
#define TS_KEY_EXPIRES_AT "expires_at"
#define TS_KEY_EXPIRES_IN_S "expires_in_s"
#define TS_KEY_FALLBACK "fallback"
#define TS_KEY_FENCE "fence"
#define TS_KEY_FIRMWARE "firmware"
#define TS_KEY_FIRST_AUDIO_MS "first_audio_ms"
#define TS_KEY_FOR "for"
#define TS_KEY_FRAME_BYTES "frame_bytes"
#define TS_KEY_FRAMES "frames"
#define TS_KEY_FROM "from"
#define TS_KEY_HEARD "heard"
#define TS_KEY_HELD_S "held_s"
#define TS_KEY_HOLDER "holder"
#define TS_KEY_HOLDER_NAME "holder_name"
#define TS_KEY_ID "id"
#define TS_KEY_IGNORED "ignored"
#define TS_KEY_IN_S "in_s"
#define TS_KEY_IN_USE "in_use"
#define TS_KEY_INPUT "input"
#define TS_KEY_INTENT "intent"
#define TS_KEY_JOB "job"
#define TS_KEY_KEY "key"
#define TS_KEY_KIND "kind"
#define TS_KEY_LANGUAGE "language"
#define TS_KEY_LAST_ACTIVITY "last_activity"
#define TS_KEY_LEASE_S "lease_s"
#define TS_KEY_LIMIT "limit"
#define TS_KEY_LIMITS "limits"
#define TS_KEY_LOST "lost"
#define TS_KEY_MAC "mac"
#define TS_KEY_MESSAGE "message"
#define TS_KEY_MODEL "model"
#define TS_KEY_NAME "name"
#define TS_KEY_NONCE "nonce"
#define TS_KEY_NOTICE "notice"
#define TS_KEY_OBSERVERS "observers"
#define TS_KEY_OFFERED_TO "offered_to"
#define TS_KEY_OK "ok"
#define TS_KEY_OUTPUT "output"
#define TS_KEY_PHRASES_DELETED "phrases_deleted"
#define TS_KEY_POSITION "position"
#define TS_KEY_PRIORITY "priority"
#define TS_KEY_QUEUE "queue"
#define TS_KEY_REASON "reason"
#define TS_KEY_REQUEUE "requeue"
#define TS_KEY_RESET "reset"
#define TS_KEY_RETRY_IN_S "retry_in_s"
#define TS_KEY_REVISION "revision"
#define TS_KEY_SEQ "seq"
#define TS_KEY_SESSION "session"
#define TS_KEY_SESSIONS "sessions"
#define TS_KEY_SINCE "since"
#define TS_KEY_SPEECH "speech"
#define TS_KEY_SPEECH_MS "speech_ms"
#define TS_KEY_STARTED_AT "started_at"
#define TS_KEY_STATE "state"
#define TS_KEY_STATS "stats"
#define TS_KEY_TEXT "text"
#define TS_KEY_TIMEOUT "timeout"
#define TS_KEY_TO "to"
#define TS_KEY_TURN "turn"
#define TS_KEY_TURNS "turns"
#define TS_KEY_TURNS_DELETED "turns_deleted"
#define TS_KEY_TYPE "type"
#define TS_KEY_USER "user"
#define TS_KEY_VERSION "version"
#define TS_KEY_WAIT "wait"
#define TS_KEY_WAKE_IN_S "wake_in_s"
#define TS_KEY_WHY "why"

/* Actions of requests */
#define TS_ACTION_ACCEPT "accept"
#define TS_ACTION_CLAIM "claim"
#define TS_ACTION_DECLINE "decline"
#define TS_ACTION_DEMOTE "demote"
#define TS_ACTION_FORGET "forget"
#define TS_ACTION_HISTORY "history"
#define TS_ACTION_KICK "kick"
#define TS_ACTION_LEAVE "leave"
#define TS_ACTION_OBSERVE "observe"
#define TS_ACTION_OFFER "offer"
#define TS_ACTION_PREEMPT "preempt"
#define TS_ACTION_PROMOTE "promote"
#define TS_ACTION_RELEASE "release"
#define TS_ACTION_RENEW "renew"
#define TS_ACTION_RESET "reset"
#define TS_ACTION_SAY "say"
#define TS_ACTION_STATS "stats"
#define TS_ACTION_STOP "stop"
#define TS_ACTION_UNOBSERVE "unobserve"
#define TS_ACTION_UPDATE "update"

/* Words: X(NAME, "word") for each that a key may have */
#define TS_SESSION_DOCUMENT_STATE_WORDS(X) X(FREE, "free") X(OFFERED, "offered") X(RESETTING, "resetting") X(ACTIVE, "active") X(GRACE, "grace") X(COOLING, "cooling")
#define TS_SESSION_DOCUMENT_REASON_WORDS(X) X(CLAIMED, "claimed") X(RELEASED, "released") X(COMPLETED, "completed") X(EXPIRED, "expired") X(IDLE, "idle") X(CLIENT_LOST, "client_lost") X(DEVICE_LOST, "device_lost") X(PREEMPTED, "preempted") X(KICKED, "kicked") X(HANDED_OVER, "handed_over") X(STALE_FENCE, "stale_fence")
#define TS_SESSION_EVENT_EVENT_WORDS(X) X(GRANTED, "granted") X(QUEUED, "queued") X(LEFT, "left") X(UPDATED, "updated") X(COMPLETED, "completed") X(ENDED, "ended") X(LOST, "lost") X(RETURNED, "returned") X(OFFERED, "offered") X(DECLINED, "declined") X(OFFER_EXPIRED, "offer_expired") X(PREEMPTING, "preempting") X(RESETTING, "resetting") X(RESET, "reset")
#define TS_SESSION_EVENT_REASON_WORDS(X) X(RELEASED, "released") X(COMPLETED, "completed") X(EXPIRED, "expired") X(IDLE, "idle") X(CLIENT_LOST, "client_lost") X(DEVICE_LOST, "device_lost") X(PREEMPTED, "preempted") X(KICKED, "kicked") X(HANDED_OVER, "handed_over") X(STALE_FENCE, "stale_fence") X(LEFT, "left") X(REMOVED, "removed")
#define TS_STATUS_STATE_WORDS(X) X(ONLINE, "online") X(LOST, "lost") X(SLEEPING, "sleeping") X(DISCONNECTED, "disconnected")
#define TS_PRESENCE_DOCUMENT_STATE_WORDS(X) X(ONLINE, "online") X(SLEEPING, "sleeping") X(LOST, "lost") X(DISCONNECTED, "disconnected") X(UNKNOWN, "unknown")
#define TS_PRESENCE_DOCUMENT_REASON_WORDS(X) X(PROVISIONED, "provisioned") X(RESTARTED, "restarted") X(BIRTH, "birth") X(HEARD, "heard") X(SLEEPING, "sleeping") X(GOODBYE, "goodbye") X(LAST_WILL, "last_will") X(SILENT, "silent") X(SECRET_CHANGED, "secret_changed")
#define TS_BACKEND_STATUS_STATE_WORDS(X) X(ONLINE, "online") X(LOST, "lost") X(DISCONNECTED, "disconnected")
#define TS_CONVERSATION_EVENT_EVENT_WORDS(X) X(BUSY, "busy") X(PARTIAL, "partial") X(FINAL, "final") X(ANSWER, "answer") X(SPOKEN, "spoken") X(ERROR, "error")
#define TS_PROVISION_REQUEST_ACTION_WORDS(X) X(CLAIM, "claim")

/* Reason codes */
#define TS_CODE_BAD_JSON "bad_json"
#define TS_CODE_BAD_MESSAGE "bad_message"
#define TS_CODE_BAD_ID "bad_id"
#define TS_CODE_UNKNOWN_ACTION "unknown_action"
#define TS_CODE_UNKNOWN_TOPIC "unknown_topic"
#define TS_CODE_UNKNOWN_DEVICE "unknown_device"
#define TS_CODE_UNKNOWN_CHANNEL "unknown_channel"
#define TS_CODE_UNKNOWN_TRIGGER "unknown_trigger"
#define TS_CODE_UNKNOWN_PROFILE "unknown_profile"
#define TS_CODE_UNKNOWN_PRINCIPAL "unknown_principal"
#define TS_CODE_TOO_LARGE "too_large"
#define TS_CODE_RETAINED "retained"
#define TS_CODE_FORBIDDEN "forbidden"
#define TS_CODE_NOT_YOURSELF "not_yourself"
#define TS_CODE_ALREADY_YOURS "already_yours"
#define TS_CODE_NOT_HOLDER "not_holder"
#define TS_CODE_NOT_WAITING "not_waiting"
#define TS_CODE_NOT_IN_USE "not_in_use"
#define TS_CODE_SUPERSEDED "superseded"
#define TS_CODE_STALE_FENCE "stale_fence"
#define TS_CODE_STALE_BOOT "stale_boot"
#define TS_CODE_BUSY "busy"
#define TS_CODE_QUEUE_FULL "queue_full"
#define TS_CODE_DEVICE_OFFLINE "device_offline"
#define TS_CODE_LEASE_TOO_LONG "lease_too_long"
#define TS_CODE_PRIORITY_TOO_HIGH "priority_too_high"
#define TS_CODE_NOT_OFFERED "not_offered"
#define TS_CODE_DECLINED "declined"
#define TS_CODE_OFFER_EXPIRED "offer_expired"
#define TS_CODE_NOBODY_WAITS "nobody_waits"
#define TS_CODE_NOT_OBSERVING "not_observing"
#define TS_CODE_NOT_RESETTING "not_resetting"
#define TS_CODE_RESETTING "resetting"
#define TS_CODE_COOLING "cooling"
#define TS_CODE_STALE_JOB "stale_job"
#define TS_CODE_CLIENT_LOST "client_lost"
#define TS_CODE_REJECTED "rejected"
#define TS_CODE_RATE_LIMITED "rate_limited"
#define TS_CODE_TOO_MANY "too_many"
#define TS_CODE_NOT_STORED "not_stored"
#define TS_CODE_BAD_FRAME "bad_frame"
#define TS_CODE_BAD_AUDIO "bad_audio"
#define TS_CODE_UNKNOWN_CODEC "unknown_codec"
#define TS_CODE_TOO_LONG "too_long"
#define TS_CODE_ABORTED "aborted"
#define TS_CODE_STALE_TURN "stale_turn"
#define TS_CODE_NO_SPEECH "no_speech"
#define TS_CODE_VOICE_OFF "voice_off"
#define TS_CODE_SPEECH_FAILED "speech_failed"
#define TS_CODE_HEARING_FAILED "hearing_failed"
#define TS_CODE_ALREADY_SUBSCRIBED "already_subscribed"
#define TS_CODE_NOT_SUBSCRIBED "not_subscribed"
#define TS_CODE_BAD_TEMPLATE "bad_template"
#define TS_CODE_TIMED_OUT "timed_out"
#define TS_CODE_UNREACHABLE "unreachable"
#define TS_CODE_INTERRUPTED "interrupted"
#define TS_CODE_ACTION_FAILED "action_failed"
#define TS_CODE_CODE_USED "code_used"
#define TS_CODE_CODE_EXPIRED "code_expired"
#define TS_CODE_WRONG_MAC "wrong_mac"

/* Flash memory: the namespace in NVS, its keys, and how many bytes a text may have */
#define TS_NVS_NAMESPACE "talkstick"
#define TS_NVS_KEY_URI "uri"
#define TS_NVS_KEY_CA "ca"
#define TS_NVS_KEY_PREFIX "prefix"
#define TS_NVS_KEY_ID "id"
#define TS_NVS_KEY_SECRET "secret"
#define TS_NVS_KEY_CODE "code"
#define TS_NVS_KEY_WIFI_SSID "wifi_ssid"
#define TS_NVS_KEY_WIFI_PASS "wifi_pass"
#define TS_NVS_KEY_BOOT "boot"
#define TS_NVS_KEY_NONCE "nonce"
#define TS_NVS_KEY_TIME "time"
#define TS_NVS_MAX_URI 191
#define TS_NVS_MAX_CA 3967
#define TS_NVS_MAX_PREFIX 64
#define TS_NVS_MAX_ID 63
#define TS_NVS_MAX_SECRET 128
#define TS_NVS_MAX_CODE 31
#define TS_NVS_MAX_WIFI_SSID 32
#define TS_NVS_MAX_WIFI_PASS 64

#endif
