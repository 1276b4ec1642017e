"""What vendors send us, one module a vendor: raw bytes authenticated, kept, then acknowledged."""
