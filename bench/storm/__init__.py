"""Storms: a fleet that comes back at once, as a model and for real.

`python -m bench.storm` simulates up to a hundred million devices against up to 64 nodes; `python -m bench.storm.real`
lets some ten thousand register at a homeport on this machine, each by the retry rule of its SDK, and draws the model's
curve over theirs. Both take their devices from the same plan (`fleet.py`). What follows from the figures stands in
docs/explanation/internet-scale.md.
"""
