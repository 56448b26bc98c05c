"""The kernel: random numbers by counter, and the compiled engine that steps many firms side by side. Arrays in, arrays
out."""
