"""Training: synthetic utterances whose sounds the synthesiser dates itself, and a small network that learns them."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import kaldi_native_fbank as knf
import numpy as np
import torch

from tools.voice_models import corpus, speech
from tools.voice_models.corpus import Language
from tools.voice_models.kaldi import Layer, Network
from tools.voice_models.lexicon import Lexicon, Pronunciations

FEATURES = 40
_SHIFT_S, _CENTRE_S = 0.010, 0.0125
_SHORTEST = 3
_PAUSE = speech.Phone("", 0.0, -1)
_COLOURS = (0.0, 0.0, 0.5, 0.8, 0.95, 0.98)
_OFFSETS = ((-2, -1, 0, 1, 2), (-3, 0, 3), (-3, 0, 3), (-6, 0, 6))
_CONTEXT = sum(offsets[-1] for offsets in _OFFSETS)
_WIDTH = 112
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class Lesson:
    """One utterance: its audio as it is heard, its sounds and their dates in that audio."""

    audio: bytes
    phones: Sequence[speech.Phone]


@dataclass(frozen=True, slots=True)
class Learned:
    """What comes of training: the phones there are, how words are said, and the network that scores phones."""

    phones: Sequence[str]
    pronunciations: Pronunciations
    network: Network


def learn(language: Language, utterances: int, epochs: int, seed: int) -> Learned:
    """Train a model of a language."""
    chance = random.Random(seed)
    torch.manual_seed(seed)
    # One thread: more hinder each other on a machine that is busy, and add up in another order every time.
    torch.set_num_threads(1)
    lexicon = Lexicon(language.words)
    voices = [*list(language.accents) * 4, *language.voices(corpus.variants().trained)]
    lessons = [_lesson(language, chance.choice(voices), lexicon, chance) for _ in range(utterances)]
    phones = sorted({phone.sign for lesson in lessons for phone in lesson.phones if phone.sign})
    features = [_features(lesson.audio) for lesson in lessons]
    labels = [_labels(lesson, len(frames), phones) for lesson, frames in zip(lessons, features, strict=True)]
    print(f"{language.code}: {sum(map(len, features)) / 6000:.0f} min of speech, {len(phones)} phones", flush=True)
    network = _train(torch.from_numpy(np.concatenate(features)), torch.from_numpy(np.concatenate(labels)), epochs)
    return Learned(phones, lexicon.pronunciations(), network)


def _lesson(language: Language, voice: str, lexicon: Lexicon, chance: random.Random) -> Lesson:
    if chance.random() < 0.06:
        level = 10 ** chance.uniform(0, 3.8)
        return Lesson(speech.noise(2.0, level, chance.randrange(1 << 30), chance.choice(_COLOURS)), [_PAUSE])
    words = corpus.sentence(language, chance).split()
    utterance = speech.utter(" ".join(words), voice, speed=chance.randint(110, 215), pitch=chance.randint(15, 85))
    lexicon.hear(words, utterance.phones)
    # Speakers of other sizes than the synthesiser has: faster and higher, or slower and lower.
    size = chance.uniform(0.85, 1.2) if chance.random() < 0.5 else 1.0
    before, after = chance.uniform(0.1, 0.7), chance.uniform(0.1, 0.7)
    phones = [_PAUSE]
    phones += [speech.Phone(phone.sign, before + phone.start * size, phone.word) for phone in utterance.phones]
    audio = speech.silence(before) + speech.stretched(utterance.audio, size) + speech.silence(after)
    return Lesson(_spoilt(audio, chance), phones)


def _spoilt(audio: bytes, chance: random.Random) -> bytes:
    """Return audio as microphones hear it: louder or softer, with noise, some over a telephone."""
    heard = speech.amplified(audio, chance.uniform(-24, 2))
    if chance.random() < 0.7:
        heard = speech.noisy(heard, chance.uniform(2, 28), chance.randrange(1 << 30), chance.choice(_COLOURS))
    return speech.telephoned(heard) if chance.random() < 0.1 else heard


def _features(audio: bytes) -> np.ndarray:
    options = knf.MfccOptions()
    options.frame_opts.dither = 0
    options.mel_opts.num_bins = FEATURES
    options.mel_opts.low_freq = 20
    options.mel_opts.high_freq = 7600
    options.num_ceps = FEATURES
    options.use_energy = False
    mfcc = knf.OnlineMfcc(options)
    mfcc.accept_waveform(speech.RATE, np.frombuffer(audio, np.int16).astype(np.float32).tolist())
    mfcc.input_finished()
    frames = np.stack([mfcc.get_frame(frame) for frame in range(mfcc.num_frames_ready)])
    # What Kaldi does where a network looks beyond the audio.
    return np.pad(frames, ((_CONTEXT, _CONTEXT), (0, 0)), mode="edge")


def _labels(lesson: Lesson, frames: int, phones: Sequence[str]) -> np.ndarray:
    """Return which output is right for each frame; a short sound is dated longer, for Vosk takes every third frame."""
    outputs = {"": 0, **{sign: number for number, sign in enumerate(phones, 1)}}
    labels = np.zeros(frames, np.int64)
    first = -_SHORTEST
    for phone in lesson.phones:
        first = max(first + _SHORTEST, math.ceil((phone.start - _CENTRE_S) / _SHIFT_S))
        labels[_CONTEXT + first :] = outputs[phone.sign]
    return labels


def _module(outputs: int) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = [torch.nn.BatchNorm1d(FEATURES, affine=False)]
    width = FEATURES
    for offsets in _OFFSETS:
        conv = torch.nn.Conv1d(width, _WIDTH, len(offsets), dilation=offsets[1] - offsets[0])
        layers += [conv, torch.nn.BatchNorm1d(_WIDTH), torch.nn.ReLU()]
        width = _WIDTH
    return torch.nn.Sequential(*layers, torch.nn.Conv1d(width, outputs, 1))


def _train(features: torch.Tensor, labels: torch.Tensor, epochs: int) -> Network:
    outputs = int(labels.max()) + 1
    module = _module(outputs)
    size = 16
    steps = epochs * (len(features) // (_CHUNK * size))
    optimiser = torch.optim.AdamW(module.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    right = seen = 0
    for step in range(1, steps + 1):
        starts = torch.randint(0, len(features) - _CHUNK - 2 * _CONTEXT, (size,)).tolist()
        batch = torch.stack([features[at : at + _CHUNK + 2 * _CONTEXT].T for at in starts])
        wanted = torch.stack([labels[at + _CONTEXT : at + _CONTEXT + _CHUNK] for at in starts])
        scores = module(batch)
        loss = torch.nn.functional.cross_entropy(scores, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        right += int((scores.argmax(1) == wanted).sum())
        seen += wanted.numel()
        if step % 100 == 0:
            print(f"  step {step} of {steps}: {right / seen:.1%} of the frames right", flush=True)
            right = seen = 0
    counts = torch.bincount(labels, minlength=outputs).double() + 1
    return _folded(module.eval(), (counts / counts.sum()).tolist())


def _folded(module: torch.nn.Sequential, priors: Sequence[float]) -> Network:
    """Return the network with its normalisations folded into the layers beside them."""
    with torch.no_grad():
        first, *rest = module
        scale, shift = _normalisation(first)
        *convs, last = [layer for layer in rest if isinstance(layer, torch.nn.Conv1d)]
        norms = [layer for layer in rest if isinstance(layer, torch.nn.BatchNorm1d)]
        layers: list[Layer] = []
        for conv, norm, offsets in zip(convs, norms, _OFFSETS, strict=True):
            weights, bias = conv.weight.double(), conv.bias.double()
            if not layers:
                bias = bias + (weights * shift[None, :, None]).sum((1, 2))
                weights = weights * scale[None, :, None]
            gain, offset = _normalisation(norm)
            layers.append(_layer(offsets, weights * gain[:, None, None], bias * gain + offset))
        layers.append(_layer((0,), last.weight, last.bias))
    return Network(FEATURES, layers, _CONTEXT, priors)


def _layer(offsets: Sequence[int], weights: torch.Tensor, bias: torch.Tensor) -> Layer:
    """Return a convolution as a layer: what it weighs frame by frame, each with all its channels."""
    return Layer(offsets, weights.permute(0, 2, 1).reshape(len(weights), -1).tolist(), bias.tolist())


def _normalisation(norm: torch.nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a normalisation multiplies by, and what it adds then."""
    scale = 1 / torch.sqrt(norm.running_var.double() + norm.eps)
    if norm.affine:
        scale = scale * norm.weight.double()
    shift = -norm.running_mean.double() * scale
    return scale, shift + norm.bias.double() if norm.affine else shift
