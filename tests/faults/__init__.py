"""A disk that fails, and a machine that crashes, where a seed says so; schedules of commands on it; what must hold."""
