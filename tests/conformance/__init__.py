"""MQTT 3.1.1, case by case, against the embedded broker, Mosquitto, and amqtt as it is shipped."""
