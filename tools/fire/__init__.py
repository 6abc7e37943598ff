"""A server under fire: it is killed again and again while it works, and what everybody saw is checked afterwards."""
