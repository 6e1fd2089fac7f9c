"""The daemon's life: scheduler, signals, readiness, health. Holds no logic of sales."""
