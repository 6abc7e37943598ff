"""The one route table, made of those of all features."""

from importlib.metadata import version

from backend.core.routing import RouteTable
from backend.features.channels import routes as channels
from backend.features.clients import routes as clients
from backend.features.directory import routes as directory
from backend.features.presence import routes as presence
from backend.features.provisioning import routes as provisioning
from backend.features.sessions import routes as sessions
from backend.features.stats import routes as stats
from backend.features.triggers import routes as triggers
from backend.features.voice import routes as voice
from backend.features.workers import routes as workers

FEATURES = (sessions, channels, presence, clients, directory, stats, voice, triggers, workers, provisioning)
TABLE = RouteTable([route for feature in FEATURES for route in feature.ROUTES])
VERSION = version("talkstick")
