"""All features, and the one route table that they make."""

from importlib.metadata import version

from backend.core.routing import RouteTable
from backend.features.channels import feature as channels
from backend.features.clients import feature as clients
from backend.features.directory import feature as directory
from backend.features.presence import feature as presence
from backend.features.provisioning import feature as provisioning
from backend.features.sessions import feature as sessions
from backend.features.stats import feature as stats
from backend.features.triggers import feature as triggers
from backend.features.voice import feature as voice
from backend.features.workers import feature as workers

FEATURES = (sessions, channels, presence, clients, directory, stats, voice, triggers, workers, provisioning)
TABLE = RouteTable([route for feature in FEATURES for route in feature.ROUTES])
VERSION = version("talkstick")
