"""kdock's gdb modules: kernel-aware breakpoints, and the trap, which runs without a prompt."""
