"""Pure rules of an interview: no I/O, no clock, no environment, no framework. Start with `catalog`, then `agenda`."""
