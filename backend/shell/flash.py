"""Images of a board's flash memory: a partition of ESP-IDF's non-volatile storage with what it needs to know."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates

from backend.core.flash import NAMESPACE, NUMBERS, SECTOR, Key, check
from backend.shell.certificates import CertificateError


def image(values: Mapping[Key, str | int], size: int) -> bytes:
    """Return a partition of *size* bytes with *values*. Raises ValueError where a board could not take them."""
    from esp_idf_nvs_partition_gen import nvs_partition_gen as nvs  # noqa: PLC0415 - brings a command line along

    check(values)
    out = BytesIO()
    partition = nvs.nvs_open(out, size - SECTOR, nvs.Page.VERSION2)  # the last one stays free
    nvs.write_entry(partition, NAMESPACE, "namespace", "", "")
    for key in sorted(values, key=lambda key: len(str(values[key]))):  # so they take the fewest sectors
        nvs.write_entry(partition, key.value, "data", "u32" if key in NUMBERS else "string", values[key])
    nvs.nvs_close(partition)
    return out.getvalue()


def authority(file: Path) -> str:
    """Return the certificates of a PEM file, and nothing else of it. Raises CertificateError."""
    try:
        found = load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"cannot read the certificates in {file}: {error}") from error
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in found)


@contextmanager
def private_file(path: Path, *, replace: bool) -> Iterator[BinaryIO]:
    """Make a file that only its owner reads: its place is taken at once, and it appears at the end, whole.

    Raises FileExistsError where there is one and it is not to be replaced, and OSError where it cannot be made.
    """
    if path.exists() and (not replace or not path.is_file()):
        raise FileExistsError(f"{path} exists already")
    descriptor, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
