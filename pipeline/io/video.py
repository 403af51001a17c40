"""Movies in and out: one name for decode.py and encode.py.

What only reads imports decode.py itself: then a change to the encoder makes nothing anew that was read.
"""

from __future__ import annotations

from pipeline.io.decode import MovieFrame, MovieInfo, decode, exact_rate, probe, read_frames
from pipeline.io.encode import has_encoder, review_beside, write_log_movie, write_review

__all__ = [
    "MovieFrame",
    "MovieInfo",
    "decode",
    "exact_rate",
    "has_encoder",
    "probe",
    "read_frames",
    "review_beside",
    "write_log_movie",
    "write_review",
]
