"""Kaldi's binary formats, as far as an acoustic model of one-state phones and plain layers needs them."""

import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

Vector = Sequence[float]
Matrix = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Layer:
    """An affine layer: a row of weights for each output, over the frames at these offsets, one after the other."""

    offsets: Sequence[int]
    weights: Matrix
    bias: Vector


@dataclass(frozen=True, slots=True)
class Network:
    """Layers with rectifiers between them and a log-softmax at the end, and how often each output is right.

    `context` is how many frames the layers together look back, and ahead.
    """

    features: int
    layers: Sequence[Layer]
    context: int
    priors: Vector


def acoustic_model(pdfs: Sequence[int], network: Network) -> bytes:
    """Return `final.mdl`; `pdfs` are the outputs of the network that score phone 1, phone 2 and so on."""
    return b"\0B" + _transition_model(pdfs) + _network(network)


def _transition_model(pdfs: Sequence[int]) -> bytes:
    phones = list(range(1, len(pdfs) + 1))
    # One topology for all: a state that stays or goes, and the end.
    state = _int(0) + _int(2) + _int(0) + _float(0.5) + _int(1) + _float(0.5)
    end = _int(-1) + _int(0)
    topology = _ints(phones) + _ints([-1] + [0] * len(phones)) + _int(1) + _int(2) + state + end
    triples = b"".join(_int(phone) + _int(0) + _int(pdf) for phone, pdf in zip(phones, pdfs, strict=True))
    return b"".join(
        (
            b"<TransitionModel> <Topology> ",
            topology,
            b"</Topology> <Triples> ",
            _int(len(phones)),
            triples,
            b"</Triples> <LogProbs> ",
            _vector([0.0] + [-0.6931472] * (2 * len(phones))),
            b"</LogProbs> </TransitionModel> ",
        )
    )


def _network(network: Network) -> bytes:
    config = [f"input-node name=input dim={network.features}"]
    components: list[tuple[str, bytes]] = []
    source = "input"
    for number, layer in enumerate(network.layers, 1):
        affine, after = f"affine{number}", f"relu{number}"
        frames = ", ".join(f"Offset({source}, {offset})" for offset in layer.offsets)
        config.append(f"component-node name={affine} component={affine} input=Append({frames})")
        components.append((affine, _affine(layer)))
        source = affine
        if number < len(network.layers):
            config.append(f"component-node name={after} component={after} input={affine}")
            components.append((after, _nonlinear("RectifiedLinearComponent", len(layer.bias))))
            source = after
    config.append(f"component-node name=logsoftmax component=logsoftmax input={source}")
    config.append("output-node name=output input=logsoftmax objective=linear")
    components.append(("logsoftmax", _nonlinear("LogSoftmaxComponent", len(network.priors))))
    return b"".join(
        (
            b"<Nnet3> \n",
            "".join(line + "\n" for line in config).encode(),
            b"\n<NumComponents> ",
            _int(len(components)),
            *(b"<ComponentName> " + name.encode() + b" " + body for name, body in components),
            b"</Nnet3> <LeftContext> " + _int(network.context),
            b"<RightContext> " + _int(network.context),
            b"<Priors> " + _vector(network.priors),
        )
    )


def _affine(layer: Layer) -> bytes:
    return b"".join(
        (
            b"<FixedAffineComponent> <LinearParams> ",
            _matrix(layer.weights),
            b"<BiasParams> ",
            _vector(layer.bias),
            b"</FixedAffineComponent> ",
        )
    )


def _nonlinear(kind: str, width: int) -> bytes:
    nothing = _vector([])
    statistics = b"<ValueAvg> " + nothing + b"<DerivAvg> " + nothing + b"<Count> " + _float(0.0)
    return f"<{kind}> <Dim> ".encode() + _int(width) + statistics + f"</{kind}> ".encode()


def _int(value: int) -> bytes:
    return struct.pack("<bi", 4, value)


def _float(value: float) -> bytes:
    return struct.pack("<bf", 4, value)


def _ints(values: Sequence[int]) -> bytes:
    return struct.pack(f"<bi{len(values)}i", 4, len(values), *values)


def _vector(values: Vector) -> bytes:
    return b"FV " + _int(len(values)) + array("f", values).tobytes()


def _matrix(rows: Matrix) -> bytes:
    numbers = array("f", (number for row in rows for number in row))
    return b"FM " + _int(len(rows)) + _int(len(rows[0])) + numbers.tobytes()
