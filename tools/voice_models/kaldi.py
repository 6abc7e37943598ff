"""Kaldi's binary formats, as far as an acoustic model of one-state phones and plain layers needs them."""

import math
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
    """Layers with rectifiers between them and a softmax at the end: how probable silence is, and each phone.

    `context` is how many frames the layers together look back, and ahead; `priors` is how often each output is right.
    What Kaldi gets are likelihoods, and after them the greatest one of all phones, which stands for any speech.
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
    components: list[bytes] = []

    def add(name: str, source: str, body: bytes) -> str:
        config.append(f"component-node name={name} component={name} input={source}")
        components.append(b"<ComponentName> " + name.encode() + b" " + body)
        return name

    at = "input"
    for number, layer in enumerate(network.layers):
        if number > 0:
            at = add(f"relu{number}", at, _nonlinear("RectifiedLinearComponent", len(network.layers[number - 1].bias)))
        at = add(f"affine{number}", _spliced(at, layer), _affine(layer))
    outputs = len(network.priors)
    softmax = add("logsoftmax", at, _nonlinear("LogSoftmaxComponent", outputs))
    likelihoods = add("likelihoods", softmax, _bias([-math.log(prior) for prior in network.priors]))
    config.append(f"dim-range-node name=phones input-node={likelihoods} dim-offset=1 dim={outputs - 1}")
    greatest = add("greatest", "phones", _greatest(outputs - 1))
    config.append(f"output-node name=output input=Append({likelihoods}, {greatest}) objective=linear")
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
            _vector([]),
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


def _bias(bias: Vector) -> bytes:
    return b"<FixedBiasComponent> <Bias> " + _vector(bias) + b"</FixedBiasComponent> "


def _greatest(width: int) -> bytes:
    """Return the component whose one output is the greatest of all its inputs."""
    sizes = {"<InputXDim> ": width, "<InputYDim> ": 1, "<InputZDim> ": 1}
    sizes |= {"<PoolXSize> ": width, "<PoolYSize> ": 1, "<PoolZSize> ": 1}
    sizes |= {"<PoolXStep> ": 1, "<PoolYStep> ": 1, "<PoolZStep> ": 1}
    body = b"".join(name.encode() + _int(size) for name, size in sizes.items())
    return b"<MaxpoolingComponent> " + body + b"</MaxpoolingComponent> "


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
