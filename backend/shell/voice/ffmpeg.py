"""Where pydub and ffmpeg come in: the system's ffmpeg, or else the one in a wheel."""

import os
import shutil
import warnings
from functools import cache

import imageio_ffmpeg

os.environ.setdefault("PATH", os.defpath)  # pydub cannot do without one
with warnings.catch_warnings():
    # On import pydub looks for an ffmpeg on the path, and complains where there is none; and it uses a module that
    # Python 3.13 takes out, where a package of its own replaces it.
    warnings.simplefilter("ignore")
    import audioop

    from pydub import AudioSegment

__all__ = ["AudioSegment", "audioop", "ffmpeg"]


@cache
def ffmpeg() -> str:
    """Return the program that pydub starts, too. Raises RuntimeError where there is none."""
    found = shutil.which("ffmpeg") or str(imageio_ffmpeg.get_ffmpeg_exe())
    AudioSegment.converter = found
    return found
