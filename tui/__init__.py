"""The terminal app: browse, hold, pay and sell with both hands on the keyboard."""
