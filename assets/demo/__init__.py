"""The demo shot and the script that makes its plate."""
