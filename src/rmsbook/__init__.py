"""What the book needs and nobody else: its claims, figures, data, networks and experiments."""
