"""The command ``talkstick``."""

from backend.cli.main import talkstick


def main() -> None:
    """Run the command line."""
    talkstick()


if __name__ == "__main__":
    main()
