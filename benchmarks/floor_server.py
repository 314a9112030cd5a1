"""The floor under every GET: an aiohttp handler that reads one value from Redis, and no more."""

import os

from aiohttp import web
from redis.asyncio import BlockingConnectionPool, Redis


def main() -> None:
    """Serve ``GET /{key}`` on PORT from the Redis at REDIS_URL."""
    pool = BlockingConnectionPool.from_url(os.environ["REDIS_URL"], max_connections=20)
    redis = Redis(connection_pool=pool)

    async def get(request: web.Request) -> web.Response:
        value = await redis.get(request.match_info["key"])
        return web.Response(body=value, content_type="application/json")

    app = web.Application()
    app.router.add_get("/{key}", get)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)


if __name__ == "__main__":
    main()
