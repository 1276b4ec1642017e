"""What operators see and do: the live list, one call's timeline, listening in, acts, figures, the inbox, jobs (M7). Start at `attach`."""
