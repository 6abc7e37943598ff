"""Workers have no wire messages: what is published of them stands in the counters of the backend."""
