"""Voice. Table of contents of the feature."""
