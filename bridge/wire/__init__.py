"""The protocols we speak, parsed and built without I/O: strict JSON and the candidate's socket."""
