"""The directory has no wire messages: accounts and secrets never travel over MQTT."""
