"""Vendors played on this machine: strict doubles that refuse what the vendor refuses, and fail on command.

They ship with the product (`prepkit standin NAME`), so that a whole interview can be held, rehearsed and measured without a key. Each is an aiohttp
server with a Python interface for tests. This file imports nothing.

    vapi      Vapi: calls over REST, the audio socket, a scripted interviewer, tool calls and webhooks
    gemini    Google's Gemini: answers and streams over REST, structured output, Live sessions with tools and resumption
"""
