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
    """Layers with rectifiers after them, and at the end heads with a log-softmax each, whose outputs stand in a row.

    `context` is how many frames the layers together look back, and ahead; `priors` is how often each output is right.
    """

    features: int
    layers: Sequence[Layer]
    heads: Sequence[Layer]
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
    components: list[bytes] = []

    def add(name: str, source: str, body: bytes) -> str:
        config.append(f"component-node name={name} component={name} input={source}")
        components.append(b"<ComponentName> " + name.encode() + b" " + body)
        return name

    at = "input"
    for number, layer in enumerate(network.layers):
        affine = add(f"affine{number}", _spliced(at, layer), _affine(layer))
        at = add(f"relu{number}", affine, _nonlinear("RectifiedLinearComponent", len(layer.bias)))
    outputs = []
    for number, head in enumerate(network.heads):
        affine = add(f"head{number}", _spliced(at, head), _affine(head))
        outputs.append(add(f"logsoftmax{number}", affine, _nonlinear("LogSoftmaxComponent", len(head.bias))))
    config.append(f"output-node name=output input=Append({', '.join(outputs)}) objective=linear")
    return b"".join(
        (
            b"<Nnet3> \n",
            "".join(line + "\n" for line in config).encode(),
            b"\n<NumComponents> ",
            _int(len(components)),
            *components,
            b"</Nnet3> <LeftContext> ",
            _int(network.context),
            b"<RightContext> ",
            _int(network.context),
            b"<Priors> ",
            _vector(network.priors),
        )
    )


def _spliced(source: str, layer: Layer) -> str:
    """Return Kaldi's description of the frames that go into a layer."""
    return f"Append({', '.join(f'Offset({source}, {offset})' for offset in layer.offsets)})"


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
