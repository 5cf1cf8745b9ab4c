"""The same for programs: JSON over HTTP."""
