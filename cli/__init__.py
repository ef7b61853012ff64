"""`tix`, the command line."""

__version__ = "0.1.0"
"""Of the whole distribution; read from here, since asking for its metadata takes 30 ms of each start."""
INTERRUPTED = 130
"""The exit code after Ctrl-C, here so that it is known before anything is imported."""
