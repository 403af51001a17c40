"""The machinery: runs any stages, decides no pixel."""
