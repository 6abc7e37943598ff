"""The directory has no topics."""

from backend.core.routing import Route

ROUTES: tuple[Route, ...] = ()
