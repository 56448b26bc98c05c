"""The kernel and its peers: the same firm model by other means, timed against ours."""
