"""What live plots draw with matplotlib."""
