"""Vendors' programming interfaces behind our ports; a vendor's library is imported at first use, never at start-up."""
