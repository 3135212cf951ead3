"""Makes a new service from the template beside this file."""
