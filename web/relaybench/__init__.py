"""`prepkit bench relay`: candidates, an upstream and relays as processes of their own, and the arithmetic on what went through.

    load        N candidates, each a paced 20 ms stream with a marker in every message
    upstream    what the relays dial: as many streams back, Vapi's REST and messages for our own server
    relays      the peers: a bare aiohttp relay, a stock pipecat pipeline, and this product as it is served

Read next: `web.commands.bench_relay`, which starts them in turn.
"""
