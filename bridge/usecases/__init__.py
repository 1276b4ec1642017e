"""One file per act. Functions take ports, open one transaction each and await no vendor inside it."""
