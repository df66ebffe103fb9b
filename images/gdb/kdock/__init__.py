"""What kdock runs inside gdb: stops that know kernels, and the trap that needs nobody at the prompt."""
