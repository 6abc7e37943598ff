"""What hears and speaks: recogniser, synthesiser and converters, and the course of a turn through them."""
