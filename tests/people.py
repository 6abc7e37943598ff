"""The people and boards of the tests."""

from backend.core.principals import Principal, Role

ALICE = Principal("alice", Role.USER, "Alice")
BOB = Principal("bob", Role.USER, "Bob")
CAROL = Principal("carol", Role.USER, "Carol")
ROOT = Principal("root", Role.ADMIN, "The operator")
EARS = Principal("ears", Role.LISTENER, "A wall display")
BOT = Principal("bot", Role.INTEGRATION, "An integration")
SCALE = Principal("scale-1", Role.DEVICE, "The scale")
PRINTER = Principal("printer-1", Role.DEVICE, "The printer")
CODE = Principal("claim-1", Role.CLAIM, "A claim code")
BACKEND = Principal("backend", Role.BACKEND, "Talkstick")

USERS = (ALICE, BOB, CAROL)
DEVICES = (SCALE, PRINTER)
EVERYBODY = {who.name: who for who in (*USERS, ROOT, EARS, BOT, *DEVICES)}
