"""The embedded broker. Knows the topic contract, never the code of the backend."""
