"""Small command models for Vosk, English and Spanish, made from synthetic speech alone."""
