"""`python -m retainkit`: the command line, also where its folder is not on PATH."""

from retainkit.cli import command

if __name__ == "__main__":
    command()
