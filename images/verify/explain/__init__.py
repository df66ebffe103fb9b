"""What differs between two builds of the same thing, and why."""
