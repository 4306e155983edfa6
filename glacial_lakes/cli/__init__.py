"""The command line: words on it become one library call each."""
