"""The compressed size of images above their base: what a machine downloads that already has the base.

An engine knows only uncompressed sizes, so the layers are saved and compressed here with gzip, as a push does. A layer
that several images share is compressed once and counted in each.
"""

import json
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from gatehouse_ci.images.docker import Engine, EngineError

CHUNK = 1 << 20
LEVEL = 6  # gzip's default; what engines push with is within some per cent


def above_base(engine: Engine, base: str, references: Iterable[str]) -> dict[str, int]:
    """Bytes above `base`, compressed, by reference."""
    wanted = list(references)
    if not wanted:
        return {}
    below = layers(engine, base)
    by_image = {reference: layers(engine, reference) for reference in wanted}
    with tempfile.TemporaryDirectory() as scratch:
        archive = Path(scratch, "images.tar")
        engine.ask("save", "--output", str(archive), *wanted, why="The images can't be saved to measure them")
        sizes = compressed_layers(archive, by_image, set(below))
    return {reference: sum(sizes[layer] for layer in own if layer in sizes) for reference, own in by_image.items()}


def layers(engine: Engine, reference: str) -> list[str]:
    """The digests of an image's layers, uncompressed, the lowest first."""
    said = engine.ask(
        "image", "inspect", "-f", "{{json .RootFS.Layers}}", reference, why=f"There is no image {reference}"
    )
    return json.loads(said)


def compressed_layers(archive: Path, by_image: Mapping[str, list[str]], left_out: set[str]) -> dict[str, int]:
    """Compressed bytes by layer, of an archive as `docker save` writes it; those in `left_out` are skipped."""
    sizes: dict[str, int] = {}
    with tarfile.open(archive) as saved:
        for entry in json.load(_file(saved, "manifest.json")):
            reference = next((name for name in entry["RepoTags"] or [] if name in by_image), None)
            if reference is None:
                continue
            for layer, path in zip(by_image[reference], entry["Layers"], strict=True):
                if layer not in left_out and layer not in sizes:
                    sizes[layer] = compressed(_file(saved, path))
    return sizes


def _file(saved: tarfile.TarFile, path: str) -> IO[bytes]:
    found = saved.extractfile(path)
    if found is None:
        raise EngineError(f"{path} isn't in what the engine saved.")
    return found


def compressed(stream: IO[bytes]) -> int:
    """How many bytes gzip makes of it; as many as there are, when it is compressed already."""
    start = stream.read(2)
    stream.seek(0)
    if start == b"\x1f\x8b":
        return stream.seek(0, 2)
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    total = 0
    while chunk := stream.read(CHUNK):
        total += len(packer.compress(chunk))
    return total + len(packer.flush())
