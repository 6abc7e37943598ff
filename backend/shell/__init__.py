"""Everything that waits: the loop, the MQTT link, the journal, the clock."""
