"""The benchmark: homeport beside nginx and Mosquitto, on the same machine in the same minutes.

`python -m bench` from the root of the repository. What is measured and how to read it: README.md beside
this file. Nothing in `src/` imports this package; this package talks to homeport over its ports, and to
its storage only where it fills a million enrollments (`fill.py`).
"""
