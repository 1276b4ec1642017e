"""After the call: what was covered, how the time went, the report, its page. Start with `write`, then `scoring` and `render`."""
