"""HTTP: the application, tokens and permissions, bodies and lists, answers and problems, health and metrics."""
