"""Workers have no topics."""

from backend.core.routing import Route

ROUTES: tuple[Route, ...] = ()
