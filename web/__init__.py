"""The door: aiohttp application, pages, API, sockets, command line; the only package that knows all others. Start at `app`."""
