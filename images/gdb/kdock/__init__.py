"""What kdock runs inside gdb: stops that know kernels, and the trap, which runs without a prompt."""
