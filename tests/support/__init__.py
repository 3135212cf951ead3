"""What tests of several parts of the repository share."""
