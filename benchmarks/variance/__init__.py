"""What variance reduction beside common random numbers would bring, measured on the map of the paradox."""
