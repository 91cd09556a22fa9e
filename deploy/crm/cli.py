def main() -> None:
    """Placeholder until the CLI is written."""
