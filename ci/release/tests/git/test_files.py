import io
import tarfile

import pytest

from gatehouse_release.git.files import lay_out


def archive(*members: tarfile.TarInfo) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as made:
        for member in members:
            made.addfile(member, io.BytesIO(b"x" * member.size))
    return content.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode = kind, link, 0o755 if kind == tarfile.DIRTYPE else 0o644
    made.size = 1 if kind == tarfile.REGTYPE else 0
    return made


@pytest.mark.parametrize("filters", [True, False], ids=["with filters", "without, as in Python 3.11.2"])
def test_only_folders_and_files_below_the_folder_are_laid_out(tmp_path, monkeypatch, filters):
    if not filters:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        monkeypatch.setattr(tarfile.TarFile, "extraction_filter", staticmethod(lambda one, _: one), raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters")
    folder = tmp_path / "to"
    folder.mkdir()
    given = archive(
        member("stacks", tarfile.DIRTYPE),
        member("stacks/dev.yaml"),
        member("../outside"),
        member(str(tmp_path / "absolute")),
        member("stacks/link", tarfile.SYMTYPE, "../../outside"),
        member("stacks/hard", tarfile.LNKTYPE, "/etc/hostname"),
    )
    lay_out(given, folder)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "to",
        "to/stacks",
        "to/stacks/dev.yaml",
    ]
