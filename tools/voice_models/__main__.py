"""Train the models and write them beside this file; see README.md."""

import argparse
import time
from pathlib import Path

from tools.voice_models import graph, kaldi
from tools.voice_models.corpus import CODES, UNKNOWN, Language, language
from tools.voice_models.training import Learned, learn

_MFCC = """\
--use-energy=false
--num-mel-bins=40
--num-ceps=40
--low-freq=20
--high-freq=7600
--dither=0
"""
_MODEL = """\
--min-active=200
--max-active=3000
--beam=14.0
--lattice-beam=4.0
--acoustic-scale=0.5
--frame-subsampling-factor=3
--endpoint.silence-phones=1
--endpoint.rule2.min-trailing-silence=0.5
--endpoint.rule3.min-trailing-silence=0.75
--endpoint.rule4.min-trailing-silence=1.0
"""


def write(folder: Path, language: Language, learned: Learned, weights: graph.Weights) -> None:
    """Write Vosk's directory."""
    tables = graph.Tables([*language.words, UNKNOWN], learned.phones)
    files = {
        "am/final.mdl": kaldi.acoustic_model(tables.pdfs(), learned.network),
        "conf/mfcc.conf": _MFCC.encode(),
        "conf/model.conf": _MODEL.encode(),
        "graph/HCLr.fst": graph.spelling(tables, learned.pronunciations, weights).binary(),
        "graph/Gr.fst": graph.grammar(tables, language.commands, weights).binary(),
        "graph/disambig_tid.int": b"",
        "graph/words.txt": tables.words_text().encode(),
        "graph/phones/word_boundary.int": tables.boundary_text().encode(),
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def main() -> None:
    """Train each language asked for."""
    parser = argparse.ArgumentParser(prog="python -m tools.voice_models", description=__doc__)
    parser.add_argument("languages", nargs="*", default=CODES, metavar="LANGUAGE", help="en, es")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent, help="where the models go")
    parser.add_argument("--utterances", type=int, default=4000, help="how many to train with (4000)")
    parser.add_argument("--epochs", type=int, default=5, help="how often to hear each (5)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (1)")
    options = parser.parse_args()
    for code in options.languages:
        began = time.monotonic()
        learned = learn(language(code), options.utterances, options.epochs, options.seed)
        write(options.into / code, language(code), learned, graph.Weights())
        print(f"{code}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
