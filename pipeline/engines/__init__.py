"""Voice engines: what hears, speaks and keeps the talk going in one leg. Read `engine` (the contract), then `local`, `vapi` or `gemini`."""
