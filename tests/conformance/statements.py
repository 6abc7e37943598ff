"""The normative statements of the OASIS Standard MQTT 3.1.1 (29 October 2014), and those that no case can prove."""

# How many statements each section has: [MQTT-1.5.3-1] to [MQTT-1.5.3-3] are the first three. Section 7 says only who
# conforms.
_COUNTS = {
    "1.5.3": 3,
    "2.2.2": 2,
    "2.3.1": 7,
    "3.1.0": 2,
    "3.1.2": 24,
    "3.1.3": 11,
    "3.1.4": 5,
    "3.2.0": 1,
    "3.2.2": 6,
    "3.3.1": 12,
    "3.3.2": 3,
    "3.3.4": 1,
    "3.3.5": 2,
    "3.6.1": 1,
    "3.8.1": 1,
    "3.8.3": 4,
    "3.8.4": 6,
    "3.9.3": 2,
    "3.10.1": 1,
    "3.10.3": 2,
    "3.10.4": 6,
    "3.12.4": 1,
    "3.14.1": 1,
    "3.14.4": 3,
    "4.1.0": 2,
    "4.2.0": 1,
    "4.3.1": 1,
    "4.3.2": 2,
    "4.3.3": 2,
    "4.4.0": 1,
    "4.5.0": 2,
    "4.6.0": 6,
    "4.7.1": 3,
    "4.7.2": 1,
    "4.7.3": 4,
    "4.8.0": 2,
    "6.0.0": 4,
}

ALL = frozenset(f"{section}-{number}" for section, count in _COUNTS.items() for number in range(1, count + 1))

WITHOUT_A_CASE = {
    "3.14.4-1": "what a client does after its DISCONNECT",
    "3.14.4-2": "what a client does after its DISCONNECT",
    "4.2.0-1": "what the transport must be: TCP is",
    "4.8.0-2": "what to do about an error of one's own; none can be brought about from outside",
}
