"""The commands behind `web.cli`, one file each; they print, and import what is heavy only when they run."""
