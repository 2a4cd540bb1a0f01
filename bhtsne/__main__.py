"""`python -m bhtsne` → the command `bhtsne`."""

from bhtsne.cli import run

if __name__ == "__main__":
    run()
