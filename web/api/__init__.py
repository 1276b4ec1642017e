"""The HTTP API: one file per subject, thin handlers over the use cases."""
