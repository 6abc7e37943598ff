"""The reason codes: every refusal names one, in a reply, in an event or in a counter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Why something was refused. The words are part of the contract."""

    BAD_JSON = "bad_json"
    BAD_MESSAGE = "bad_message"
    BAD_ID = "bad_id"
    UNKNOWN_ACTION = "unknown_action"
    UNKNOWN_TOPIC = "unknown_topic"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_TRIGGER = "unknown_trigger"
    UNKNOWN_PROFILE = "unknown_profile"
    UNKNOWN_PRINCIPAL = "unknown_principal"
    TOO_LARGE = "too_large"
    RETAINED = "retained"
    FORBIDDEN = "forbidden"
    NOT_YOURSELF = "not_yourself"
    ALREADY_YOURS = "already_yours"
    NOT_HOLDER = "not_holder"
    NOT_WAITING = "not_waiting"
    NOT_IN_USE = "not_in_use"
    SUPERSEDED = "superseded"
    STALE_FENCE = "stale_fence"
    STALE_BOOT = "stale_boot"
    BUSY = "busy"
    QUEUE_FULL = "queue_full"
    DEVICE_OFFLINE = "device_offline"
    LEASE_TOO_LONG = "lease_too_long"
    PRIORITY_TOO_HIGH = "priority_too_high"
    NOT_OFFERED = "not_offered"
    DECLINED = "declined"
    OFFER_EXPIRED = "offer_expired"
    NOBODY_WAITS = "nobody_waits"
    NOT_OBSERVING = "not_observing"
    NOT_RESETTING = "not_resetting"
    RESETTING = "resetting"
    COOLING = "cooling"
    STALE_JOB = "stale_job"
    CLIENT_LOST = "client_lost"
    REJECTED = "rejected"
    RATE_LIMITED = "rate_limited"
    TOO_MANY = "too_many"
    NOT_STORED = "not_stored"
    BAD_FRAME = "bad_frame"
    BAD_AUDIO = "bad_audio"
    UNKNOWN_CODEC = "unknown_codec"
    TOO_LONG = "too_long"
    ABORTED = "aborted"
    STALE_TURN = "stale_turn"
    NO_SPEECH = "no_speech"
    VOICE_OFF = "voice_off"
    SPEECH_FAILED = "speech_failed"
    HEARING_FAILED = "hearing_failed"
    ALREADY_SUBSCRIBED = "already_subscribed"
    NOT_SUBSCRIBED = "not_subscribed"
    BAD_TEMPLATE = "bad_template"
    TIMED_OUT = "timed_out"
    UNREACHABLE = "unreachable"
    INTERRUPTED = "interrupted"
    ACTION_FAILED = "action_failed"
    CODE_USED = "code_used"
    CODE_EXPIRED = "code_expired"
    WRONG_MAC = "wrong_mac"


EXPLAINED: dict[Code, str] = {
    Code.BAD_JSON: "the payload is not a UTF-8 JSON object",
    Code.BAD_MESSAGE: "a key is missing, or has the wrong type or value",
    Code.BAD_ID: "an id in the topic is not of the form [a-z0-9][a-z0-9_-]{0,62}",
    Code.UNKNOWN_ACTION: "the action is not one of this topic's",
    Code.UNKNOWN_TOPIC: "no such topic in the contract",
    Code.UNKNOWN_DEVICE: "no device of this id is provisioned",
    Code.UNKNOWN_CHANNEL: "there is no channel of this id",
    Code.UNKNOWN_TRIGGER: "there is no trigger of this id",
    Code.UNKNOWN_PROFILE: "there is no profile of this id",
    Code.UNKNOWN_PRINCIPAL: "no account of this name exists",
    Code.TOO_LARGE: "the payload, or the document it would make, is larger than allowed",
    Code.RETAINED: "this topic takes no retained messages",
    Code.FORBIDDEN: "this account may not do that",
    Code.NOT_YOURSELF: "one asks for oneself; only a badge reader asks for others, on its own device",
    Code.ALREADY_YOURS: "it is yours already",
    Code.NOT_HOLDER: "only the holder of the session may do that",
    Code.NOT_WAITING: "not in the queue, or no longer",
    Code.NOT_IN_USE: "nobody holds the device",
    Code.SUPERSEDED: "a newer request took the place of this one",
    Code.STALE_FENCE: "the fence is not that of the running session",
    Code.STALE_BOOT: "the message is of an older boot of the device",
    Code.BUSY: "somebody else holds the device",
    Code.QUEUE_FULL: "too many wait for the device already",
    Code.DEVICE_OFFLINE: "the device is not connected",
    Code.LEASE_TOO_LONG: "the lease asked for is longer than the policy allows",
    Code.PRIORITY_TOO_HIGH: "the priority asked for is higher than the policy allows",
    Code.NOT_OFFERED: "the session is not offered to you, or no longer",
    Code.DECLINED: "the offer was declined, or taken back",
    Code.OFFER_EXPIRED: "the offer was not accepted in time",
    Code.NOBODY_WAITS: "nobody waits who could be the next",
    Code.NOT_OBSERVING: "you are not counted among those who watch",
    Code.NOT_RESETTING: "the device need not be reset now",
    Code.RESETTING: "the device must confirm that it is clean before the next session",
    Code.COOLING: "the last session was lost; nobody gets it for a moment",
    Code.STALE_JOB: "the result is of an earlier input of the session",
    Code.CLIENT_LOST: "all your apps were gone for too long; you wait no longer",
    Code.REJECTED: "the data were not passed on; `reason` says why",
    Code.RATE_LIMITED: "too many in a short time; `retry_in_s` says when to go on",
    Code.TOO_MANY: "there are as many of them as there may be",
    Code.NOT_STORED: "the server could not store the change; nothing happened, ask again",
    Code.BAD_FRAME: "an audio frame is shorter than its header, or longer than allowed, or its turn is no number",
    Code.BAD_AUDIO: "the audio cannot be decoded",
    Code.UNKNOWN_CODEC: "no such audio codec, or not in this direction",
    Code.TOO_LONG: "the utterance is longer than allowed",
    Code.ABORTED: "the turn was ended: by the device, by `stop`, or because the server stops",
    Code.STALE_TURN: "a newer turn of the device has begun",
    Code.NO_SPEECH: "nobody spoke, or nothing could be understood",
    Code.VOICE_OFF: "the device's voice is switched off, or the server has no speech model of its language",
    Code.SPEECH_FAILED: "the server could not speak",
    Code.HEARING_FAILED: "the server could not listen",
    Code.ALREADY_SUBSCRIBED: "the profile is subscribed to this trigger already",
    Code.NOT_SUBSCRIBED: "the profile is not subscribed to this trigger",
    Code.BAD_TEMPLATE: "a template of the profile cannot be filled in",
    Code.TIMED_OUT: "an action of the profile took longer than it may",
    Code.UNREACHABLE: "a URL that the profile calls did not answer, or answered that it failed",
    Code.INTERRUPTED: "the server stopped meanwhile; nobody knows how far it came",
    Code.ACTION_FAILED: "an action of the profile failed",
    Code.CODE_USED: "another board, or the same one with another nonce, has used the claim code",
    Code.CODE_EXPIRED: "the time of the claim code is over, or it was revoked",
    Code.WRONG_MAC: "the claim code is for the board with another MAC",
}


@dataclass(eq=False)  # not frozen: whatever an exception passes through may note its traceback
class Refused(Exception):  # noqa: N818 - it is the sender's fault, and an answer, not an error of ours
    """Raised while something is read that somebody sent; it becomes a reply, an event or a count."""

    code: Code
    message: str
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of the reply."""
