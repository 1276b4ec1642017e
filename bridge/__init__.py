"""What an interview is: words, rules, use cases and ports."""

__version__ = "0.1.0"
