"""Routes for those who operate a system; no caller of its API needs them, and no other side has them."""

#: Served by the new side wherever they are asked for, unless the old side has a route of this name.
PATHS = ("/docs", "/healthz", "/metrics", "/openapi.json", "/readyz")
